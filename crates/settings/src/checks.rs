//! What no single row can say: settings that contradict each other.

use crate::error::Violation;
use crate::load::Settings;
use crate::modes;

/// Adds every contradiction.
pub(crate) fn check(settings: &Settings, wrong: &mut Vec<Violation>) {
    ordered(settings, wrong, "risk.fraction", "risk.fraction_max");
    ordered(settings, wrong, "sim.latency_min_ms", "sim.latency_max_ms");
    ordered(settings, wrong, "teacher.stop_min_atr", "teacher.stop_max_atr");
    ordered(settings, wrong, "teacher.target_r_min", "teacher.target_r");
    weights(settings, wrong);
    modes::check(settings, wrong);
    // The consumers' own checks hold in any case. Ranges of the table are theirs or narrower, so
    // they speak only where the table has a hole.
    if wrong.is_empty() {
        let engine = settings.engine().check().err().unwrap_or_default();
        let exchange = settings.exchange().check().err().unwrap_or_default();
        wrong.extend(engine.into_iter().chain(exchange).map(|what| Violation {
            key: "settings".to_owned(),
            place: String::new(),
            what,
            why: "engine or simulated exchange refuse it".to_owned(),
            hint: "see `aegis config show` for what is set".to_owned(),
        }));
    }
}

fn ordered(settings: &Settings, wrong: &mut Vec<Violation>, low: &str, high: &str) {
    let (least, most) = (settings.real(low), settings.real(high));
    if least > most {
        wrong.push(Violation {
            key: low.to_owned(),
            place: settings.place(low),
            what: format!("{least} is above {high} = {most}"),
            why: format!("{low} is the lower end of the two"),
            hint: format!("lower {low} or raise {high}"),
        });
    }
}

fn weights(settings: &Settings, wrong: &mut Vec<Violation>) {
    let sum: f64 = settings.learn().weights.all().iter().sum();
    if sum > 1.0 + 1e-9 {
        wrong.push(Violation {
            key: "teacher.weight_*".to_owned(),
            place: String::new(),
            what: format!("the weights add up to {sum}"),
            why: "a confidence is at most 1".to_owned(),
            hint: "lower some of them".to_owned(),
        });
    }
}
