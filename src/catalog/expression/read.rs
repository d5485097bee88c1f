//! From a text to an expression: words first, then by precedence. Every mistake names the column where it stands.

use serde_json::Value;

use super::{Expression, LONGEST, Mistake, Operator};

/// Parentheses, `if`s and signs inside each other at most, so that no text can exhaust the stack.
const DEEPEST: usize = 40;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 14] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "."];

/// By precedence, the weakest first. Those of one line group from the left.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
    ],
];
const COMPARISON: usize = 2;
const RESERVED: [&str; 9] = ["or", "and", "not", "if", "then", "else", "true", "false", "null"];

pub(super) struct Reader {
    /// with their columns; the last is the end
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Reader {
    pub fn new(text: &str) -> Result<Reader, Mistake> {
        if text.chars().count() > LONGEST {
            return Err(mistake(
                LONGEST + 1,
                format!("an expression has at most {LONGEST} characters"),
            ));
        }
        Ok(Reader {
            tokens: tokens(&text.chars().collect::<Vec<_>>())?,
            at: 0,
            depth: 0,
        })
    }

    pub fn whole(mut self) -> Result<Expression, Mistake> {
        let expression = self.level(0)?;
        match self.peek() {
            Token::End => Ok(expression),
            _ => Err(self.unexpected("an operator or the end")),
        }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = match self.peek() {
            Token::Sign(found) => *found == sign,
            Token::Word(word) => word == sign,
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        match self.take(sign) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{sign}`"))),
        }
    }

    fn unexpected(&self, wanted: &str) -> Mistake {
        let found = match self.peek() {
            Token::Number(number) => format!("`{number}`"),
            Token::Text(text) => format!("\"{text}\""),
            Token::Word(word) => format!("`{word}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".into(),
        };
        mistake(self.tokens[self.at].0, format!("expected {wanted}, found {found}"))
    }

    fn level(&mut self, level: usize) -> Result<Expression, Mistake> {
        let Some(operators) = LEVELS.get(level) else {
            return self.sign();
        };
        let mut left = self.level(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            let right = self.level(level + 1)?;
            left = Expression::Two(*operator, Box::new(left), Box::new(right));
            // `1 < x < 3` would compare a truth with a number
            if level == COMPARISON && operators.iter().any(|(sign, _)| *self.peek() == Token::Sign(sign)) {
                return Err(self.unexpected("`and` between two comparisons"));
            }
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Expression, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(mistake(
                self.tokens[self.at].0,
                format!("at most {DEEPEST} signs, parentheses and ifs stand inside each other"),
            ));
        }
        let expression = if self.take("-") {
            Expression::Negative(Box::new(self.sign()?))
        } else if self.take("not") {
            // weaker than a comparison: `not a == b` is `not (a == b)`
            Expression::Not(Box::new(self.level(COMPARISON)?))
        } else if self.take("if") {
            let condition = self.level(0)?;
            self.expect("then")?;
            let then = self.level(0)?;
            self.expect("else")?;
            Expression::If(Box::new(condition), Box::new(then), Box::new(self.level(0)?))
        } else if self.take("(") {
            let inside = self.level(0)?;
            self.expect(")")?;
            inside
        } else {
            self.simple()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn simple(&mut self) -> Result<Expression, Mistake> {
        const WANTED: &str = "a number, a text in quotes, a field, `if`, `not` or `(`";
        let constant = match self.peek().clone() {
            Token::Number(number) => super::number(Some(number)),
            Token::Text(text) => Value::String(text),
            Token::Word(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                word if RESERVED.contains(&word) => return Err(self.unexpected(WANTED)),
                _ => return self.field(),
            },
            _ => return Err(self.unexpected(WANTED)),
        };
        self.at += 1;
        Ok(Expression::Constant(constant))
    }

    fn field(&mut self) -> Result<Expression, Mistake> {
        let mut path = Vec::new();
        loop {
            match self.peek().clone() {
                Token::Word(name) => path.push(name),
                _ => return Err(self.unexpected("the name of a field")),
            }
            self.at += 1;
            if !self.take(".") {
                return Ok(Expression::Field(path));
            }
        }
    }
}

fn mistake(column: usize, problem: impl Into<String>) -> Mistake {
    Mistake {
        column,
        problem: problem.into(),
    }
}

fn tokens(text: &[char]) -> Result<Vec<(usize, Token)>, Mistake> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (begin, first) = (at, text[at]);
        let run = |from: usize, fits: &dyn Fn(char) -> bool| {
            text[from..]
                .iter()
                .position(|c| !fits(*c))
                .map_or(text.len(), |end| from + end)
        };
        let token = if first.is_whitespace() {
            at += 1;
            continue;
        } else if first.is_ascii_digit() {
            at = run(at, &|c| c.is_ascii_digit() || c == '.');
            let digits: String = text[begin..at].iter().collect();
            let number = digits.parse().ok().filter(|_| !digits.ends_with('.'));
            Token::Number(number.ok_or_else(|| mistake(begin + 1, format!("`{digits}` is not a number")))?)
        } else if first.is_alphabetic() || first == '_' {
            at = run(at, &|c| c.is_alphanumeric() || c == '_');
            Token::Word(text[begin..at].iter().collect())
        } else if first == '"' || first == '\'' {
            let end = run(at + 1, &|c| c != first);
            if end == text.len() {
                return Err(mistake(begin + 1, format!("this text has no closing {first}")));
            }
            at = end + 1;
            Token::Text(text[begin + 1..end].iter().collect())
        } else {
            let rest: String = text[at..text.len().min(at + 2)].iter().collect();
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| mistake(begin + 1, format!("`{first}` has no meaning here")))?;
            at += sign.len();
            Token::Sign(sign)
        };
        found.push((begin + 1, token));
    }
    found.push((text.len() + 1, Token::End));
    Ok(found)
}
