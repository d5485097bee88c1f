//! The catalogs that the program brings along. They are files like any other.

/// A catalog of the program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    pub name: &'static str,
    pub text: &'static str,
}

const ALL: [Shipped; 5] = [
    Shipped {
        name: "app-store",
        text: include_str!("shipped/app-store.toml"),
    },
    Shipped {
        name: "servers",
        text: include_str!("shipped/servers.toml"),
    },
    Shipped {
        name: "shop",
        text: include_str!("shipped/shop.toml"),
    },
    Shipped {
        name: "payments",
        text: include_str!("shipped/payments.toml"),
    },
    Shipped {
        name: "blood",
        text: include_str!("shipped/blood.toml"),
    },
];

/// All of them.
pub fn shipped() -> &'static [Shipped] {
    &ALL
}

#[cfg(test)]
mod tests {
    use super::super::read::{lines, read};
    use super::*;

    #[test]
    fn every_catalog_that_comes_along_is_whole_and_called_by_its_name() {
        for one in shipped() {
            match read(one.text) {
                Ok(catalog) => assert_eq!(catalog.name, one.name),
                Err(problems) => panic!("{:#?}", lines(one.name, &problems)),
            }
        }
    }
}
