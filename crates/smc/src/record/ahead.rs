//! Looking ahead in a finished series: the first bar at or after another that is beyond a price.
//!
//! One walk from the last bar to the first keeps the bars that stand out to the right of it, the
//! highest at the bottom; the answer to a question is found in them by bisection. For n bars and q
//! questions that is O(n + q log n), where a scan per question is O(q·n).

use alloc::vec;
use alloc::vec::Vec;

/// For each question `(from, price)`, in ascending order of `from`: the first bar at or after
/// `from` for which `beyond(value(bar), price)` holds.
///
/// `beyond` is `>` or `>=`: what a value is beyond, every higher value is beyond too.
pub(super) fn first_beyond(
    bars: usize,
    value: impl Fn(usize) -> f64,
    questions: &[(usize, f64)],
    beyond: impl Fn(f64, f64) -> bool,
) -> Vec<Option<u32>> {
    let mut answers = vec![None; questions.len()];
    let mut standing: Vec<(f64, u32)> = Vec::new();
    let mut next = bars;
    for (answer, &(from, price)) in answers.iter_mut().zip(questions).rev() {
        while next > from {
            next -= 1;
            let height = value(next);
            while standing.last().is_some_and(|&(lower, _)| lower <= height) {
                standing.pop();
            }
            standing.push((height, next as u32));
        }
        let reaching = standing.partition_point(|&(height, _)| beyond(height, price));
        *answer = reaching.checked_sub(1).map(|last| standing[last].1);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_scan_finds(
            values in prop::collection::vec(-5i32..5, 0..60),
            mut questions in prop::collection::vec((0usize..70, -6i32..6), 0..20),
            touch in any::<bool>(),
        ) {
            questions.sort_unstable();
            let questions: Vec<_> =
                questions.into_iter().map(|(from, price)| (from, f64::from(price))).collect();
            let value = |bar: usize| f64::from(values[bar]);
            let beyond =
                |value: f64, price: f64| value > price || (touch && value == price);
            let scan = |&(from, price): &(usize, f64)| {
                let bar = (from..values.len()).find(|&bar| beyond(value(bar), price));
                bar.map(|bar| bar as u32)
            };
            let want: Vec<_> = questions.iter().map(scan).collect();
            prop_assert_eq!(first_beyond(values.len(), value, &questions, beyond), want);
        }
    }
}
