//! The 12 features that describe an entry. Names are those of the original system.

use aegis_types::FEATURES;

/// Names, in the order of every feature array.
pub const NAMES: [&str; FEATURES] = [
    "market_structure",
    "order_blocks_count",
    "institutional_candle",
    "liquidity_grab",
    "fvg_size_atr",
    "fvg_proximity",
    "ob_proximity",
    "atr_normalized_volume",
    "rsi_14",
    "momentum_atr",
    "time_to_next_level",
    "confidence_ensemble",
];
