//! `aegis status`, the operator's commands, and `aegis audit`.

use crate::{args, context, output};
use aegis_node::control::{self, Ask};
use aegis_node::home::Home;
use aegis_node::{EXIT_FAILED, EXIT_OK, Failure, audit};
use aegis_types::Operator;
use serde_json::Value;

fn running() -> Result<Home, Failure> {
    context::home_path().map(|path| Home::of_running(&path))
}

pub fn status(args: &args::Operate) -> Result<i32, Failure> {
    let status = control::ask(&running()?, Ask::Status)?;
    if args.json {
        output::line(&status)?;
    } else {
        output::text(describe(&status))?;
    }
    Ok(if status["healthy"] == Value::Bool(true) { EXIT_OK } else { EXIT_FAILED })
}

/// The status for people, a few lines.
fn describe(s: &Value) -> String {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut lines = Vec::new();
    for child in ["feed", "brain"] {
        let h = &s["health"][child];
        lines.push(format!(
            "{child:<8} {:<9} pid {:<8} heartbeat {} ms ago, restarts {}",
            text(&h["state"]),
            s["pids"][child],
            h["heartbeat_age_ms"],
            h["restarts"]
        ));
    }
    lines.push(format!("equity   {} USDT (wallet {})", text(&s["equity"]), text(&s["wallet"])));
    let entries = if s["entries"] == Value::Bool(true) { "allowed" } else { "stopped" };
    lines.push(format!("entries  {entries}"));
    let o = &s["orders"];
    lines.push(format!(
        "orders   {} sent, {} accepted, {} filled, {} rejected, {} unknown",
        o["sent"], o["accepted"], o["filled"], o["rejected"], o["unknown"]
    ));
    let q = &s["tick_to_order_us"];
    lines.push(format!(
        "latency  tick to order p50 {} µs, p99 {} µs, max {} µs",
        q["p50"], q["p99"], q["max"]
    ));
    for p in s["positions"].as_array().into_iter().flatten() {
        lines.push(format!(
            "position {} {} {} at {}, stop {}, target {}, pnl {}",
            text(&p["symbol"]),
            text(&p["side"]),
            text(&p["qty"]),
            text(&p["entry"]),
            text(&p["stop"]),
            text(&p["target"]),
            text(&p["unrealized"])
        ));
    }
    if s["alerts_open"].as_u64() > Some(0) {
        lines.push(format!("alerts   {} wait for `aegis ack`", s["alerts_open"]));
    }
    if s["killing"] == Value::Bool(true) {
        lines.push("KILL SWITCH is at work".to_owned());
    }
    let build = &s["build"];
    let binary = text(&build["binary"]);
    let binary = binary.get(..12).unwrap_or(&binary);
    lines.push(format!(
        "build    {binary} (commit {}), {}",
        text(&build["commit"]),
        text(&build["mode"])
    ));
    lines.push(format!("run      {}\n", text(&s["run"])));
    lines.join("\n")
}

pub fn command(what: Operator, args: &args::Operate) -> Result<i32, Failure> {
    let answer = control::ask(&running()?, Ask::Operator { what })?;
    if let Some(error) = answer["error"].as_str() {
        return Err(Failure::failed(format!("{what}: {error}"), "look at `aegis status`"));
    }
    if args.json {
        output::line(&answer)?;
    } else {
        output::line(format_args!("{what}: applied and journalled"))?;
    }
    Ok(EXIT_OK)
}

/// The kill switch by the socket. Exit 1 when something is left to be done.
pub fn kill(args: &args::Kill) -> Result<i32, Failure> {
    let answer =
        control::ask(&running()?, Ask::Kill { flatten: args.flatten }).map_err(|failure| {
            let hint = "a file KILL in AEGIS_HOME, or SIGUSR1 to the orchestrator, need no answer; \
                    without an orchestrator no brain runs";
            Failure { hint: hint.to_owned(), ..failure }
        })?;
    if let Some(error) = answer["error"].as_str() {
        return Err(Failure::failed(format!("kill: {error}"), "look at emergency.jsonl"));
    }
    let killed = &answer["killed"];
    if args.json {
        output::line(&answer)?;
    } else {
        output::text(describe_kill(killed))?;
    }
    Ok(if killed["complete"] == Value::Bool(true) { EXIT_OK } else { EXIT_FAILED })
}

/// What the kill switch did, for people.
pub fn describe_kill(killed: &Value) -> String {
    let names = |key: &str| {
        let names: Vec<&str> =
            killed[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    };
    let mut lines = vec![format!("KILL SWITCH ({}): the brain is dead", killed["by"])];
    if killed["simulated"] == Value::Bool(true) {
        lines.push("orders and positions were simulated, and are gone with it".to_owned());
    } else {
        lines.push(format!("entries taken back    {}", killed["cancelled"]));
        lines.push(format!("closed                {}", names("flattened")));
        lines.push(format!("closed without a stop {}", names("unprotected")));
        lines.push(format!("still open            {}", names("open")));
        lines.push(format!("outcome not known     {}", killed["unknown"]));
        lines.push(format!("last order after      {} ms", killed["ms"]));
        if killed["complete"] != Value::Bool(true) {
            lines.push("NOT DONE YET: look at the account and at emergency.jsonl".to_owned());
        }
    }
    lines.push("no run starts without --lift-fence\n".to_owned());
    lines.join("\n")
}

pub fn audit(args: &args::Audit) -> Result<i32, Failure> {
    let report = audit::run(&audit::Options {
        home: context::home_path()?,
        file: context::settings_file(&args.settings),
        settings: context::load(&args.settings, None)?,
        purpose: if args.purpose == "live" { audit::Purpose::Live } else { audit::Purpose::Sim },
    });
    if let Some(path) = &args.out {
        std::fs::write(path, report.markdown()).map_err(|e| {
            Failure::failed(format!("{}: {e}", path.display()), "name a file that can be written")
        })?;
    }
    if args.json {
        output::line(report.json())?;
    } else {
        output::text(report.text())?;
    }
    Ok(report.exit_code())
}
