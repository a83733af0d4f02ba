//! Margin, funding, liquidation and settings of the futures venue, by numbers worked out by hand.

use crate::futures_world::{Fair, ME, OTHER, S, cross, hedged, isolated};
use crate::world::{money, px, qty, rate};
use aegis_exchange::futures::{
    AccountConfig, AccountReason, AlgoKind, ExecutionKind, Filter, IncomeKind, MarginType,
    OrderKey, OrderRequest, OrderStatus, PositionSide, Refusal, Report,
};
use aegis_types::{Money, Nanos, Px, Qty, Side, SymbolId, TickBody};

fn with_balance(balance: &str, config: AccountConfig) -> AccountConfig {
    AccountConfig {
        balance: money(balance),
        maker_fee: Some(rate("0")),
        taker_fee: Some(rate("0")),
        ..config
    }
}

/// The numeric check of the formula's source: EP 100, Q 10, wallet 100, 0.5 %, cum 0 gives 90.4523
/// and 109.4527; here on a tick of 0.1, rounded towards earlier. A cross wallet of that size gives
/// the same as an isolated one.
#[test]
fn the_published_example_gives_the_published_prices_isolated_and_cross() {
    for (side, expected) in [(Side::Buy, "90.5"), (Side::Sell, "109.4")] {
        let mut fair = Fair::at(&[with_balance("1000", isolated())], "100");
        fair.market(ME, side, "10");
        assert_eq!(fair.position(ME).isolated_wallet, money("100"));
        assert_eq!(fair.position(ME).liquidation, Some(px(expected)), "isolated {side}");
        let mut fair = Fair::at(&[with_balance("100.5", cross())], "100");
        let leverage = 75;
        fair.venue.set_leverage(fair.now, ME, S, leverage, &mut fair.reports).unwrap();
        fair.market(ME, side, "10");
        fair.venue.transfer(fair.now, ME, money("-0.5"), &mut fair.reports).unwrap();
        assert_eq!(fair.position(ME).isolated_wallet, Money::ZERO);
        assert_eq!(fair.position(ME).liquidation, Some(px(expected)), "cross {side}");
    }
}

/// Two cross contracts: WB 1000, long 10 at 100 here and, on the other symbol, long 1 at 1000 now
/// at 900: UPNL₁ −100, TMM₁ 4.5. LP = (1000 − 4.5 − 100 − 1000) / (0.05 − 10) = 10.503 → 10.6.
#[test]
fn other_cross_contracts_count_into_the_price() {
    let mut fair = Fair::at(&[with_balance("1000", cross())], "100");
    let other = SymbolId(1);
    fair.tick(other, TickBody::Open { px: px("1000"), funding: None });
    fair.market(ME, Side::Buy, "10");
    fair.place(ME, &OrderRequest::market(other, Side::Buy, qty("1")));
    fair.tick(other, TickBody::Open { px: px("900"), funding: None });
    assert_eq!(fair.position(ME).liquidation, Some(px("10.6")));
    let account = fair.venue.account(ME).unwrap();
    // At the marks: margins 100 and 90, maintenance 5 and 4.5, profit 0 and −100.
    assert_eq!(account.position_initial_margin, money("190"));
    assert_eq!(account.maintenance_margin, money("9.5"));
    assert_eq!((account.unrealized, account.cross_unrealized), (money("-100"), money("-100")));
    assert_eq!(account.available, money("710"));
    assert_eq!(account.margin_balance, money("900"));
}

/// Hedge mode, cross: long 10 at 100 and short 4 at 100 on a wallet of 100. Numerator
/// 100 − 1000 + 400, denominator 0.05 + 0.02 − 10 + 4: 500 / 5.93 = 84.317 → 84.4.
#[test]
fn a_long_and_a_short_share_one_price_in_hedge_mode() {
    let config = AccountConfig { dual_side: true, ..cross() };
    let mut fair = Fair::at(&[with_balance("200", config)], "100");
    let order = |side, position_side, q: &str| OrderRequest {
        position_side,
        ..OrderRequest::market(S, side, qty(q))
    };
    fair.place(ME, &order(Side::Buy, PositionSide::Long, "10"));
    fair.place(ME, &order(Side::Sell, PositionSide::Short, "4"));
    // To the wallet of the example, below what the margins would let be paid out.
    fair.venue.set_leverage(fair.now, ME, S, 75, &mut fair.reports).unwrap();
    fair.venue.transfer(fair.now, ME, money("-100"), &mut fair.reports).unwrap();
    for side in [PositionSide::Long, PositionSide::Short] {
        assert_eq!(fair.side(ME, side).liquidation, Some(px("84.4")), "{side}");
    }
    fair.reports.clear();
    fair.candle("100", "100", "84.5", "90");
    assert_eq!(fair.fills(), []);
    fair.open("90");
    fair.candle("90", "90", "84.4", "90");
    let fills = fair.fills();
    let told: Vec<_> = fills.iter().map(|f| (f.order.position_side, f.last_px)).collect();
    assert_eq!(told, [(PositionSide::Long, px("84.4")), (PositionSide::Short, px("84.4"))]);
}

#[test]
fn an_isolated_liquidation_takes_its_margin_and_ends_its_orders() {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.market(ME, Side::Buy, "10");
    let entry = fair.limit(ME, Side::Buy, "1", "96");
    let target = fair.closing(AlgoKind::TakeProfitMarket, Side::Sell, "120");
    fair.reports.clear();
    fair.candle("100", "100", "91", "95");
    let order = fair.venue.order(ME, S, OrderKey::Id(entry.id)).unwrap();
    assert_eq!(order.status, OrderStatus::Filled);
    // 11 at 99.636… on a margin of 109.6.
    assert_eq!(fair.position(ME).isolated_wallet, money("109.6"));
    fair.open("95");
    fair.reports.clear();
    fair.candle("95", "95", "70", "75");
    let forced: Vec<_> =
        fair.fills().into_iter().filter(|f| f.execution == ExecutionKind::Calculated).collect();
    assert_eq!(forced.len(), 1);
    let forced = forced[0];
    assert!(
        forced.order.client_id.as_str().starts_with("autoclose-"),
        "{}",
        forced.order.client_id
    );
    assert_eq!((forced.last_qty, forced.order.side), (qty("11"), Side::Sell));
    // The whole margin of 109.6 is gone: loss and what was left for the fee.
    assert_eq!(forced.realized.minus(forced.fee), Ok(money("-109.6")));
    let ended = fair.venue.algo_order(ME, OrderKey::Id(target.id)).unwrap();
    assert_eq!(ended.reason, "Liquidation");
    let filter = Filter { kind: Some(IncomeKind::InsuranceClear), ..Filter::default() };
    let income = fair.venue.income(ME, &filter).unwrap();
    assert_eq!(income.iter().map(|entry| -entry.amount).collect::<Vec<_>>(), [forced.fee]);
    assert_eq!(fair.venue.ledger(ME).unwrap().liquidation_fees, forced.fee);
}

#[test]
fn a_liquidation_is_public_and_the_insurance_bears_the_rest() {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.market(ME, Side::Sell, "10");
    fair.candle("100", "100", "100", "100");
    fair.reports.clear();
    fair.open("130");
    let public = fair.reports.iter().find_map(|report| match report {
        Report::ForceOrder { side, px, qty, .. } => Some((*side, *px, *qty)),
        _ => None,
    });
    assert_eq!(public, Some((Side::Buy, px("130"), qty("10"))));
    let ledger = fair.venue.ledger(ME).unwrap();
    assert_eq!((ledger.insurance, ledger.liquidation_fees), (money("200"), Money::ZERO));
    assert_eq!(fair.wallet(ME), money("9899.5"), "the margin of 100 and the fee of the entry");
}

/// A cross account is liquidated as a whole: orders of all cross symbols end, the symbol that
/// reached its price closes, then the others as long as the wallet does not carry them.
#[test]
fn a_cross_liquidation_ends_all_orders_and_closes_what_the_wallet_does_not_carry() {
    let mut fair = Fair::at(&[with_balance("300", cross())], "100");
    let other = SymbolId(1);
    fair.tick(other, TickBody::Open { px: px("1000"), funding: None });
    fair.market(ME, Side::Buy, "10");
    fair.place(ME, &OrderRequest::market(other, Side::Buy, qty("1")));
    let order = fair.place(ME, &OrderRequest::limit(other, Side::Buy, qty("0.1"), px("960")));
    let liquidation = fair.position(ME).liquidation.unwrap();
    // (300 − 5 − 1000) / (0.05 − 10) = 70.854… → 70.9.
    assert_eq!(liquidation, px("70.9"));
    fair.reports.clear();
    fair.candle("100", "100", "60", "65");
    let ended = fair.venue.order(ME, other, OrderKey::Id(order.id)).unwrap();
    assert_eq!(ended.status, OrderStatus::Expired);
    let fills = fair.fills();
    let symbols: Vec<_> = fills.iter().map(|fill| fill.order.symbol).collect();
    // At 70.9 the loss is 291 and the fee what is left: nothing carries the other one.
    assert_eq!(symbols, [S, other]);
    assert_eq!(fills[0].last_px, px("70.9"));
    assert_eq!(fair.wallet(ME), Money::ZERO);
}

/// Long 1 at 1000 on a margin of 100: at 905.7 equity 5.7 and maintenance 4.5285 are 79 %, at 905.5
/// they are 82 %.
#[test]
fn the_owner_is_warned_once_before_the_margin_is_gone() {
    let mut fair = Fair::at(&[isolated()], "1000");
    fair.market(ME, Side::Buy, "1");
    let mut calls = |open: &str| {
        fair.reports.clear();
        fair.open(open);
        let mut calls = fair.reports.iter().filter_map(|report| match report {
            Report::MarginCall { cross_wallet, positions, .. } => {
                Some((*cross_wallet, positions[0].maintenance_margin))
            }
            _ => None,
        });
        (calls.next(), calls.count())
    };
    assert_eq!(calls("905.7"), (None, 0));
    assert_eq!(calls("905.5"), (Some((Money::ZERO, money("4.5275"))), 0));
    assert_eq!(calls("905.2"), (None, 0), "once");
    assert_eq!(calls("950"), (None, 0));
    assert_eq!(calls("905.5").0, Some((Money::ZERO, money("4.5275"))), "anew");
}

#[test]
fn funding_is_charged_to_every_position_at_the_mark() {
    let mut fair = Fair::at(&[isolated(), cross(), hedged()], "100");
    fair.market(ME, Side::Buy, "2");
    fair.market(OTHER, Side::Sell, "2");
    fair.reports.clear();
    fair.now = Nanos::HOUR.times(8);
    fair.tick(S, TickBody::Open { px: px("110"), funding: Some(rate("0.0001")) });
    assert_eq!(fair.venue.ledger(ME).unwrap().funding, money("-0.022"));
    assert_eq!(fair.venue.ledger(OTHER).unwrap().funding, money("0.022"));
    let positions: Vec<_> = fair
        .reports
        .iter()
        .filter_map(|report| match report {
            Report::Account(report) if report.reason == AccountReason::FundingFee => {
                Some((report.account, report.change, report.positions.len()))
            }
            _ => None,
        })
        .collect();
    let expected = [(ME, money("-0.022"), 1), (OTHER, money("0.022"), 0)];
    assert_eq!(positions, expected, "a cross one tells of the balance only");
    let view = fair.venue.market(S).unwrap();
    assert_eq!(view.next_funding, Nanos::HOUR.times(16));
    fair.venue.force_funding(fair.now, S, rate("0.001"), &mut fair.reports).unwrap();
    assert_eq!(fair.venue.ledger(ME).unwrap().funding, money("-0.242"));
}

#[test]
fn a_mark_series_settles_at_its_own_time_also_without_a_fact() {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.market(ME, Side::Buy, "1");
    let next_funding = fair.now.after(Nanos::SECOND);
    let body =
        TickBody::Mark { mark: px("101"), index: px("100.9"), rate: rate("0.0002"), next_funding };
    fair.tick(S, body);
    fair.venue.advance(next_funding, &mut fair.reports);
    fair.venue.advance(next_funding.after(Nanos::SECOND), &mut fair.reports);
    assert_eq!(fair.venue.ledger(ME).unwrap().funding, money("-0.0202"), "once");
    assert_eq!(fair.venue.market(S).unwrap().index, Some(px("100.9")));
}

#[test]
fn margin_moves_to_and_from_an_isolated_position() {
    let mut fair = Fair::at(&[isolated(), cross()], "100");
    let move_margin = |fair: &mut Fair, who, amount: &str| {
        let (now, side) = (fair.now, PositionSide::Both);
        fair.venue.move_margin(now, who, S, side, money(amount), &mut fair.reports)
    };
    assert_eq!(move_margin(&mut fair, ME, "1").map_err(Refusal::code), Err(-4054));
    fair.market(ME, Side::Buy, "10");
    fair.market(OTHER, Side::Buy, "10");
    assert_eq!(move_margin(&mut fair, OTHER, "1").map_err(Refusal::code), Err(-4049));
    assert_eq!(move_margin(&mut fair, ME, "0").map_err(Refusal::code), Err(-4055));
    assert_eq!(move_margin(&mut fair, ME, "10000").map_err(Refusal::code), Err(-4050));
    assert_eq!(move_margin(&mut fair, ME, "-1").map_err(Refusal::code), Err(-4051));
    fair.reports.clear();
    assert_eq!(move_margin(&mut fair, ME, "100"), Ok(()));
    let position = fair.position(ME);
    // (200 − 1000) / (0.05 − 10) = 80.402… → 80.5.
    assert_eq!((position.isolated_wallet, position.liquidation), (money("200"), Some(px("80.5"))));
    let account = fair.venue.account(ME).unwrap();
    assert_eq!((account.wallet, account.cross_wallet), (money("9999.5"), money("9799.5")));
    assert!(matches!(&fair.reports[0],
        Report::Account(report) if report.reason == AccountReason::MarginTransfer));
    assert_eq!(move_margin(&mut fair, ME, "-100"), Ok(()));
    assert_eq!(fair.position(ME).liquidation, Some(px("90.5")));
}

#[test]
fn settings_change_when_they_may() {
    let mut fair = Fair::at(&[cross()], "100");
    let now = fair.now;
    let code = |result: Result<(), Refusal>| result.map_err(Refusal::code);
    let set_type = |fair: &mut Fair, margin_type| {
        code(fair.venue.set_margin_type(now, ME, S, margin_type, &mut fair.reports))
    };
    assert_eq!(set_type(&mut fair, MarginType::Crossed), Err(-4046));
    let order = fair.limit(ME, Side::Buy, "1", "99");
    assert_eq!(set_type(&mut fair, MarginType::Isolated), Err(-4047));
    assert_eq!(code(fair.venue.set_dual_side(ME, true)), Err(-4067));
    let key = OrderKey::Id(order.id);
    fair.venue.cancel(now, ME, S, key, &mut fair.reports).unwrap();
    fair.market(ME, Side::Buy, "1");
    assert_eq!(set_type(&mut fair, MarginType::Isolated), Err(-4048));
    assert_eq!(code(fair.venue.set_dual_side(ME, true)), Err(-4068));
    assert_eq!(code(fair.venue.set_dual_side(ME, false)), Err(-4059));
    fair.market(ME, Side::Sell, "1");
    assert_eq!(set_type(&mut fair, MarginType::Isolated), Ok(()));
    let multi =
        |fair: &mut Fair, on| code(fair.venue.set_multi_assets(now, ME, on, &mut fair.reports));
    assert_eq!(multi(&mut fair, false), Err(-4171));
    assert_eq!(multi(&mut fair, true), Err(-4168));
    assert_eq!(code(fair.venue.set_dual_side(ME, true)), Ok(()));
    assert!(fair.venue.account(ME).unwrap().dual_side);
}

#[test]
fn leverage_changes_within_brackets_and_not_down_under_an_isolated_position() {
    let mut fair = Fair::at(&[isolated(), cross()], "100");
    let set = |fair: &mut Fair, who, leverage| {
        let set = fair.venue.set_leverage(fair.now, who, S, leverage, &mut fair.reports);
        set.map(|set| (set.leverage, set.max_notional)).map_err(Refusal::code)
    };
    assert_eq!(set(&mut fair, ME, 0), Err(-4028));
    assert_eq!(set(&mut fair, ME, 76), Err(-4028));
    assert_eq!(set(&mut fair, ME, 51), Ok((51, Money::whole(50_000))));
    assert_eq!(set(&mut fair, ME, 10), Ok((10, Money::whole(1_000_000))));
    fair.reports.clear();
    fair.market(ME, Side::Buy, "600");
    assert_eq!(set(&mut fair, ME, 5), Err(-4161));
    assert_eq!(set(&mut fair, ME, 60), Err(-2027), "60,000 allows 50");
    assert_eq!(set(&mut fair, ME, 20), Ok((20, Money::whole(1_000_000))));
    assert_eq!(fair.position(ME).isolated_wallet, money("6000"), "as it was posted");
    fair.market(OTHER, Side::Buy, "900");
    assert_eq!(set(&mut fair, OTHER, 9), Err(-2028), "10,000 is more than there is");
    assert!(
        fair.reports.iter().any(|report| matches!(report, Report::Leverage { leverage: 20, .. }))
    );
}

#[test]
fn deleveraging_closes_at_the_mark_without_a_fee() {
    let mut fair = Fair::at(&[isolated(), isolated()], "100");
    fair.market(ME, Side::Buy, "2");
    fair.market(OTHER, Side::Buy, "4");
    fair.candle("100", "110", "100", "110");
    fair.reports.clear();
    let both = PositionSide::Both;
    let (now, whole) = (fair.now, None);
    fair.venue.force_adl(now, ME, S, both, whole, &mut fair.reports).unwrap();
    let fill = fair.fills()[0];
    assert_eq!((fill.execution, fill.last_px), (ExecutionKind::Calculated, px("110")));
    assert!(fill.order.client_id.as_str().starts_with("adl_autoclose"));
    assert_eq!((fill.realized, fill.fee), (money("20"), Money::ZERO));
    let part = Some(qty("1"));
    fair.venue.force_adl(now, OTHER, S, both, part, &mut fair.reports).unwrap();
    assert_eq!(fair.position(OTHER).qty, qty("3"));
    let none = fair.venue.force_adl(now, ME, S, both, None, &mut fair.reports);
    assert_eq!(none, Err(Refusal::NoPosition));
}

#[test]
fn the_queue_of_deleveraging_is_by_profit_for_margin() {
    let mut fair = Fair::at(&[isolated(); 5], "100");
    for account in 0..5 {
        let who = aegis_exchange::futures::AccountId(account);
        fair.market(who, Side::Buy, "1");
        fair.candle("100", "100", "100", "100");
        let next = format!("{}", 100 + account + 1);
        fair.open(&next);
        fair.candle(&next, &next, "100", "100");
        fair.open(&next);
    }
    let places: Vec<u8> = (0..5)
        .map(|account| fair.position(aegis_exchange::futures::AccountId(account)).adl)
        .collect();
    assert_eq!(places, [4, 3, 2, 1, 0], "the first entered lowest");
}

#[test]
fn money_is_paid_in_and_out_as_far_as_it_is_free() {
    let mut fair = Fair::at(&[cross()], "100");
    fair.market(ME, Side::Buy, "10");
    let out = |fair: &mut Fair, amount: &str| {
        let (now, amount) = (fair.now, money(amount));
        fair.venue.transfer(now, ME, amount, &mut fair.reports).map_err(Refusal::code)
    };
    assert_eq!(out(&mut fair, "-9900"), Err(-2018), "100 are bound and 0.5 were paid");
    assert_eq!(out(&mut fair, "-9899.5"), Ok(()));
    assert_eq!(fair.wallet(ME), money("100"));
    assert_eq!(out(&mut fair, "50"), Ok(()));
    let account = fair.venue.account(ME).unwrap();
    assert_eq!((account.available, account.max_withdraw), (money("50"), money("50")));
    assert_eq!(fair.position(ME).entry_px, px("100"));
    assert_ne!(fair.position(ME).liquidation, None::<Px>);
    assert_eq!(fair.position(ME).max_notional, Money::whole(1_000_000));
    assert_eq!(fair.position(ME).order_initial_margin, Money::ZERO);
    assert_eq!(fair.position(ME).qty, Qty::whole(10));
}
