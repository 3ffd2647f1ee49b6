//! Integers and floats.

use super::Row;
use super::args::{arg, int, rest, text, typed_list};
use super::cast::{to_float64, to_int64};
use crate::fmt;
use crate::number::{NumberError, parse_int};
use crate::value::Type::{Any, Float, Int, Str};
use crate::value::{Element, FuncError, MAX_ITEMS, Value};

pub(super) const TABLE: &[Row] = &[
    Row("atoi", &[Str], None, |a| {
        Ok(Value::Int(parse_int(text(a, 0), 10, 64).unwrap_or_else(NumberError::value)))
    }),
    Row("int", &[Any], None, |a| Ok(Value::Int(to_int64(arg(a, 0))))),
    Row("int64", &[Any], None, |a| Ok(Value::Int64(to_int64(arg(a, 0))))),
    Row("float64", &[Any], None, |a| Ok(Value::Float(to_float64(arg(a, 0))))),
    Row("toDecimal", &[Any], None, |a| {
        Ok(Value::Int64(parse_int(fmt::display(arg(a, 0))?, 8, 64).unwrap_or(0)))
    }),
    Row("add1", &[Any], None, |a| Ok(Value::Int64(to_int64(arg(a, 0)).wrapping_add(1)))),
    Row("add", &[], Some(Any), |a| {
        Ok(Value::Int64(a.iter().fold(0, |sum, value| sum.wrapping_add(to_int64(value)))))
    }),
    Row("sub", &[Any, Any], None, |a| {
        Ok(Value::Int64(to_int64(arg(a, 0)).wrapping_sub(to_int64(arg(a, 1)))))
    }),
    Row("mul", &[Any], Some(Any), |a| {
        Ok(Value::Int64(a.iter().fold(1, |product, value| product.wrapping_mul(to_int64(value)))))
    }),
    Row("div", &[Any, Any], None, |a| divide(a, i64::wrapping_div)),
    Row("mod", &[Any, Any], None, |a| divide(a, i64::wrapping_rem)),
    Row("max", &[Any], Some(Any), |a| extreme(a, i64::max)),
    Row("biggest", &[Any], Some(Any), |a| extreme(a, i64::max)),
    Row("min", &[Any], Some(Any), |a| extreme(a, i64::min)),
    Row("maxf", &[Any], Some(Any), |a| extreme_float(a, f64::INFINITY, f64::max)),
    Row("minf", &[Any], Some(Any), |a| extreme_float(a, f64::NEG_INFINITY, f64::min)),
    Row("ceil", &[Any], None, |a| Ok(Value::Float(to_float64(arg(a, 0)).ceil()))),
    Row("floor", &[Any], None, |a| Ok(Value::Float(to_float64(arg(a, 0)).floor()))),
    Row("round", &[Any, Int], Some(Float), round),
    Row("until", &[Int], None, |a| {
        let stop = int(a, 0);
        counted(0, stop, if stop < 0 { -1 } else { 1 })
    }),
    Row("untilStep", &[Int, Int, Int], None, |a| counted(int(a, 0), int(a, 1), int(a, 2))),
    Row("seq", &[], Some(Int), seq),
];

fn divide(a: &[Value], divide: fn(i64, i64) -> i64) -> Result<Value, FuncError> {
    match to_int64(arg(a, 1)) {
        0 => Err(FuncError::new("runtime error: integer divide by zero")),
        divisor => Ok(Value::Int64(divide(to_int64(arg(a, 0)), divisor))),
    }
}

fn extreme(a: &[Value], choose: fn(i64, i64) -> i64) -> Result<Value, FuncError> {
    let first = to_int64(arg(a, 0));
    Ok(Value::Int64(rest(a, 1).iter().fold(first, |best, value| choose(best, to_int64(value)))))
}

/// An infinity of the right sign wins over all, then not-a-number, which in Rust would lose.
fn extreme_float(a: &[Value], winner: f64, choose: fn(f64, f64) -> f64) -> Result<Value, FuncError> {
    let first = to_float64(arg(a, 0));
    let best = rest(a, 1).iter().map(to_float64).fold(first, |best, value| {
        if best == winner || value == winner {
            winner
        } else if best.is_nan() || value.is_nan() {
            f64::NAN
        } else {
            choose(best, value)
        }
    });
    Ok(Value::Float(best))
}

fn round(a: &[Value]) -> Result<Value, FuncError> {
    let threshold = match a.get(2) {
        Some(Value::Float(threshold)) => *threshold,
        _ => 0.5,
    };
    let power = 10_f64.powi(int(a, 1).clamp(-400, 400) as i32);
    let scaled = power * to_float64(arg(a, 0));
    let rounded = if scaled.fract() >= threshold { scaled.ceil() } else { scaled.floor() };
    Ok(Value::Float(rounded / power))
}

fn counted(start: i64, stop: i64, step: i64) -> Result<Value, FuncError> {
    typed_list(Element::Int, count(start, stop, step)?.into_iter().map(Value::Int).collect())
}

fn count(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let mut numbers = Vec::new();
    let mut next = Some(start);
    while let Some(number) = next {
        let goes_on = if stop < start { step < 0 && number > stop } else { step > 0 && number < stop };
        if !goes_on {
            break;
        }
        if numbers.len() >= MAX_ITEMS {
            return Err(FuncError::too_large());
        }
        numbers.push(number);
        next = number.checked_add(step);
    }
    Ok(numbers)
}

/// The numbers from a start to an end, both included, with spaces between.
fn seq(a: &[Value]) -> Result<Value, FuncError> {
    let (start, step, end) = match a.len() {
        1 => (1, None, int(a, 0)),
        2 => (int(a, 0), None, int(a, 1)),
        3 => (int(a, 0), Some(int(a, 1)), int(a, 2)),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    if step.is_some_and(|step| direction < 0 && step > 0) {
        return Ok("".into());
    }
    let numbers = count(start, end.wrapping_add(direction), step.unwrap_or(direction))?;
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(words.join(" ").into())
}
