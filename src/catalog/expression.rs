//! The little language of derived fields: `if quantity > 0 then price * quantity else 0`. It has arithmetic, comparison,
//! `and`, `or`, `not`, `if` and fields, and nothing that repeats, so every expression ends and gives a value: where a
//! number is missing or a divisor is zero, that value is null.

use serde_json::{Number, Value};

use self::read::Reader;

mod read;

/// Characters of an expression at most.
pub const LONGEST: usize = 1000;

/// A text that is not an expression. Columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct Mistake {
    pub column: usize,
    pub problem: String,
}

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Constant(Value),
    /// `customer.country`
    Field(Vec<String>),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Two(Operator, Box<Expression>, Box<Expression>),
    If(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Expression {
    pub fn parse(text: &str) -> Result<Expression, Mistake> {
        Reader::new(text)?.whole()
    }

    /// Its value for an event's data.
    pub fn value(&self, data: &Value) -> Value {
        match self {
            Expression::Constant(value) => value.clone(),
            Expression::Field(path) => path
                .iter()
                .try_fold(data, |inside, name| inside.get(name))
                .cloned()
                .unwrap_or(Value::Null),
            Expression::Negative(inner) => number(inner.value(data).as_f64().map(|number| -number)),
            Expression::Not(inner) => Value::Bool(!is_true(&inner.value(data))),
            Expression::If(condition, then, otherwise) => match is_true(&condition.value(data)) {
                true => then.value(data),
                false => otherwise.value(data),
            },
            Expression::Two(operator, left, right) => operator.apply(left.value(data), || right.value(data)),
        }
    }

    /// The first names of the fields that it reads.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Expression::Constant(_) => vec![],
            Expression::Field(path) => path.first().map(String::as_str).into_iter().collect(),
            Expression::Negative(inner) | Expression::Not(inner) => inner.fields(),
            Expression::Two(_, left, right) => [left.fields(), right.fields()].concat(),
            Expression::If(a, b, c) => [a.fields(), b.fields(), c.fields()].concat(),
        }
    }
}

impl Operator {
    fn apply(self, left: Value, right: impl FnOnce() -> Value) -> Value {
        match self {
            Operator::Or => Value::Bool(is_true(&left) || is_true(&right())),
            Operator::And => Value::Bool(is_true(&left) && is_true(&right())),
            Operator::Equal => Value::Bool(equal(&left, &right())),
            Operator::Unequal => Value::Bool(!equal(&left, &right())),
            Operator::Less => compare(&left, &right(), |order| order.is_lt()),
            Operator::LessOrEqual => compare(&left, &right(), |order| order.is_le()),
            Operator::Greater => compare(&left, &right(), |order| order.is_gt()),
            Operator::GreaterOrEqual => compare(&left, &right(), |order| order.is_ge()),
            Operator::Add => arithmetic(&left, &right(), |a, b| a + b),
            Operator::Subtract => arithmetic(&left, &right(), |a, b| a - b),
            Operator::Multiply => arithmetic(&left, &right(), |a, b| a * b),
            Operator::Divide => arithmetic(&left, &right(), |a, b| a / b),
            Operator::Remainder => arithmetic(&left, &right(), |a, b| a % b),
        }
    }
}

/// Only `true` is; a number or a text never.
fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true)
}

/// `1` and `1.0` are the same number.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => left == right,
    }
}

/// Two numbers or two texts; anything else cannot be compared, which is false whatever was asked.
fn compare(left: &Value, right: &Value, holds: impl Fn(std::cmp::Ordering) -> bool) -> Value {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    Value::Bool(order.is_some_and(holds))
}

fn arithmetic(left: &Value, right: &Value, apply: impl Fn(f64, f64) -> f64) -> Value {
    number(left.as_f64().zip(right.as_f64()).map(|(a, b)| apply(a, b)))
}

/// Whole numbers are written without a point; what is no number is null.
fn number(value: Option<f64>) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Some(whole) if whole.fract() == 0.0 && whole.abs() < EXACT => Value::from(whole as i64),
        Some(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
        None => Value::Null,
    }
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;
