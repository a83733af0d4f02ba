//! Which streams go over which connection.

use super::Streams;
use aegis_types::{SymbolId, SymbolTable};
use aegis_wire::intervals::Interval;
use aegis_wire::streams::{Route, Stream, StreamKind};
use aegis_wire::urls::{STREAMS_MAX, Urls};

/// Bytes of an address; streams that do not fit are subscribed by message. Servers on the way of a
/// request take 8 KiB of its first line at least.
const URL_MAX: usize = 6_000;
/// Streams of one subscribing message, so that it stays below what the exchange reads.
const PER_MESSAGE: usize = 100;

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// By which way into the stream hosts.
    pub route: Route,
    /// Symbols whose streams it carries.
    pub symbols: Vec<SymbolId>,
    /// Candles are among them.
    pub candles: bool,
    /// Its address, with as many streams as fit.
    pub url: String,
    /// Messages that subscribe the rest.
    pub subscribe: Vec<String>,
    /// How many streams.
    pub streams: usize,
}

const CANDLES: StreamKind = StreamKind::Kline(Interval::M1);
const MARKET: [StreamKind; 3] =
    [CANDLES, StreamKind::MarkPrice { fast: true }, StreamKind::AggTrade];
const PUBLIC: [StreamKind; 1] = [StreamKind::BookTicker];

/// The connections of a session: each symbol's streams of a route on one of them, none with more
/// than the exchange allows.
pub fn plan(urls: &Urls, symbols: &SymbolTable, streams: Streams) -> Vec<Shard> {
    match streams {
        Streams::Klines => route(urls, symbols, Route::Market, &[CANDLES], None),
        Streams::All => {
            let listings = Stream { symbol: None, kind: StreamKind::ContractInfo }.to_string();
            let mut all = route(urls, symbols, Route::Market, &MARKET, Some(listings));
            all.extend(route(urls, symbols, Route::Public, &PUBLIC, None));
            all
        }
    }
}

fn route(
    urls: &Urls,
    symbols: &SymbolTable,
    route: Route,
    kinds: &[StreamKind],
    first: Option<String>,
) -> Vec<Shard> {
    let ids: Vec<SymbolId> = symbols.ids().collect();
    let most = (STREAMS_MAX - usize::from(first.is_some())) / kinds.len();
    // As many as are needed, and about the same number on each.
    let shards = ids.len().div_ceil(most).max(1);
    let each = ids.len().div_ceil(shards).max(1);
    let mut first = first;
    let shard = |ids: &[SymbolId]| {
        let mut names: Vec<String> = first.take().into_iter().collect();
        for id in ids {
            let symbol = symbols.name(*id).to_ascii_lowercase();
            let name =
                |kind: &StreamKind| Stream { symbol: Some(&symbol), kind: *kind }.to_string();
            names.extend(kinds.iter().map(name));
        }
        Shard {
            route,
            symbols: ids.to_vec(),
            candles: kinds.contains(&CANDLES),
            streams: names.len(),
            ..address(urls, route, &names)
        }
    };
    ids.chunks(each).map(shard).collect()
}

/// Streams in the address, and the rest in messages.
fn address(urls: &Urls, route: Route, names: &[String]) -> Shard {
    let mut length = urls.combined(route, [""]).len();
    let fits = |name: &&String| {
        length += name.len() + 1;
        length <= URL_MAX
    };
    let within = names.iter().take_while(fits).count();
    let (within, rest) = names.split_at(within);
    let message = |(n, names): (usize, &[String])| {
        serde_json::json!({"method": "SUBSCRIBE", "params": names, "id": n + 1}).to_string()
    };
    Shard {
        route,
        symbols: Vec::new(),
        candles: false,
        url: urls.combined(route, within),
        subscribe: rest.chunks(PER_MESSAGE).enumerate().map(message).collect(),
        streams: names.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(n: usize) -> SymbolTable {
        SymbolTable::new((0..n).map(|n| format!("S{n:03}USDT"))).unwrap()
    }

    #[test]
    fn every_stream_is_subscribed_once_within_the_limits() {
        let urls = Urls::local("http://127.0.0.1:1").unwrap();
        for n in [1, 2, 340, 341, 342, 500, 600] {
            let symbols = table(n);
            let shards = plan(&urls, &symbols, Streams::All);
            let mut names: Vec<String> = Vec::new();
            for shard in &shards {
                assert!(shard.streams <= STREAMS_MAX && shard.url.len() <= URL_MAX, "{n}");
                let (_, within) = shard.url.split_once("?streams=").unwrap();
                let mut here: Vec<String> = within.split('/').map(str::to_owned).collect();
                for message in &shard.subscribe {
                    let message: serde_json::Value = serde_json::from_str(message).unwrap();
                    let params = message["params"].as_array().unwrap().iter();
                    here.extend(params.filter_map(|name| Some(name.as_str()?.to_owned())));
                }
                assert_eq!(here.len(), shard.streams, "{n}");
                for name in &here {
                    assert_eq!(Stream::parse(name).unwrap().kind.route(), shard.route, "{name}");
                }
                names.extend(here);
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), 4 * n + 1, "{n}");
        }
    }

    #[test]
    fn candles_alone_are_one_connection() {
        let urls = Urls::local("http://127.0.0.1:1").unwrap();
        let shards = plan(&urls, &table(10), Streams::Klines);
        assert_eq!(shards.len(), 1);
        assert!(shards[0].candles && shards[0].subscribe.is_empty());
        let url = "ws://127.0.0.1:1/market/stream?streams=s000usdt@kline_1m/s001usdt@kline_1m/";
        assert!(shards[0].url.starts_with(url), "{}", shards[0].url);
    }
}
