use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    // whatever decides how a board looks: two programs with one digest draw the same figures alike
    let mut hasher = DefaultHasher::new();
    for root in ["src", "templates", "static", "migrations", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={root}");
        let mut files = BTreeSet::new();
        collect(Path::new(root), &mut files);
        for file in files {
            file.hash(&mut hasher);
            fs::read(&file).expect("a file of the sources").hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=PULSEBOARD_SOURCES={:016x}", hasher.finish());
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) {
    if !path.is_dir() {
        files.insert(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).expect("a folder of the sources") {
        collect(&entry.expect("an entry of a folder").path(), files);
    }
}
