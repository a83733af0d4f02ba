//! Published signature vectors, with the source of each.

use aegis_types::{Px, Qty};
use aegis_wire::{Query, RECV_WINDOW_MS, Secret, Signer, sign_query};

/// The secret of the futures documentation's examples (binance.md §4, F1).
const FUTURES: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
/// The secret of the Spot documentation's examples (binance.md §4, S1).
const SPOT: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

fn hmac(secret: &str, message: &str) -> String {
    Signer::hmac(&Secret::from(secret)).signature(message.as_bytes())
}

#[test]
fn published_hmac_vectors() {
    // Futures documentation, examples 1 and 2.
    let f1 = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC\
              &recvWindow=5000&timestamp=1591702613943";
    let want = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9";
    assert_eq!(hmac(FUTURES, f1), want);
    assert_eq!(
        sign_query(&Secret::from(FUTURES), f1, 0),
        format!("{f1}&signature={want}"),
        "a caller's timestamp and recvWindow stay where they are"
    );
    // Example 3: query and body joined without a separator. The documentation prints the signature
    // of a text with a stray space; that one is not pinned.
    let f3 = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000\
              &recvWindow=5000&timestamp=1591702613943";
    let want = "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4";
    assert_eq!(hmac(FUTURES, f3), want);
    // Spot documentation: plain, mixed, and with an encoded symbol.
    let s1 = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1\
              &recvWindow=5000&timestamp=1499827319559";
    let want = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
    assert_eq!(hmac(SPOT, s1), want);
    let s3 = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1\
              &recvWindow=5000&timestamp=1499827319559";
    let want = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77";
    assert_eq!(hmac(SPOT, s3), want);
    let s4 = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT\
              &timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
    let want = "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3";
    assert_eq!(hmac(SPOT, s4), want);
    // The same from the symbol as it is, through either way of encoding.
    let raw = s4.replace("%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96", "１２３４５６");
    let signed = format!("{s4}&signature={want}");
    assert_eq!(sign_query(&Secret::from(SPOT), &raw, 0), signed);
    assert_eq!(sign_query(&Secret::from(SPOT), s4, 0), signed);
    let built = Query::new()
        .with("symbol", "１２３４５６")
        .with("side", "BUY")
        .with("type", "LIMIT")
        .with("timeInForce", "GTC")
        .with("quantity", 1u32)
        .with("price", Px::parse(b"0.10000000").unwrap())
        .with("recvWindow", 5_000u32)
        .with("timestamp", 1_499_827_319_559i64)
        .signed(&Signer::hmac(&Secret::from(SPOT)), 7, 7);
    assert_eq!(built, signed);
}

#[test]
fn contract_vectors_with_timestamp_and_window_appended() {
    let signer = Signer::hmac(&Secret::from(FUTURES));
    let order = |kind: Option<&'static str>| {
        Query::new()
            .with("symbol", "BTCUSDT")
            .with("side", "BUY")
            .with("type", kind)
            .with("quantity", Qty::parse(b"0.50000000").unwrap())
            .with("price", None::<Px>)
            .with("newClientOrderId", "")
            .signed(&signer, 1_700_656_000_000, RECV_WINDOW_MS)
    };
    assert_eq!(
        order(None),
        "symbol=BTCUSDT&side=BUY&quantity=0.5&timestamp=1700656000000&recvWindow=5000&signature=\
         062c0319f4c34ff9e316e53aec1f590de552bc87b4bcca36b5ffd42a2e82be3b"
    );
    assert_eq!(
        order(Some("MARKET")),
        "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5&timestamp=1700656000000&recvWindow=5000\
         &signature=ae3e4b253a565a026f3e801d7d9f7a73f7409f401dc7ade99e71081d577de271"
    );
    let by_text = sign_query(
        &Secret::from(FUTURES),
        "?symbol=BTCUSDT&side=BUY&type=&quantity=0.5&signature=00ff&price",
        1_700_656_000_000,
    );
    assert_eq!(by_text, order(None));
}

#[test]
fn what_is_not_unreserved_is_encoded_once() {
    let signer = Signer::hmac(&Secret::from("secret"));
    let signed = Query::new().with("a b", "x&y=z/~._-ü").signed(&signer, 1, 2);
    let (message, signature) = signed.split_once("&signature=").unwrap();
    assert_eq!(message, "a%20b=x%26y%3Dz%2F~._-%C3%BC&timestamp=1&recvWindow=2");
    assert_eq!(signature, hmac("secret", message));
    assert!(signature.len() == 64 && !signature.contains(|c: char| c.is_ascii_uppercase()));
    // Texts that are half encoded: whole escapes stay, the rest is encoded.
    let half = sign_query(&Secret::from("secret"), "a=%2f%zz%&b=%7e", 1);
    assert!(half.starts_with("a=%2F%25zz%25&b=~&timestamp=1&recvWindow=5000&signature="), "{half}");
    let empty = sign_query(&Secret::from("secret"), "", 1);
    assert!(empty.starts_with("timestamp=1&recvWindow=5000&signature="), "{empty}");
}

#[test]
fn the_websocket_api_sorts_and_does_not_encode() {
    let query = Query::new().with("symbol", "BTCUSDT").with("side", "SELL").with("note", "ü/=");
    let payload = query.websocket_payload("KEY", 1_705_311_512_994, RECV_WINDOW_MS);
    assert_eq!(
        payload,
        "apiKey=KEY&note=ü/=&recvWindow=5000&side=SELL&symbol=BTCUSDT&timestamp=1705311512994"
    );
    // Binance WebSocket API documentation, HMAC example (Spot text, same rule): sorted payload.
    let documented = Query::new()
        .with("symbol", "BTCUSDT")
        .with("side", "SELL")
        .with("type", "LIMIT")
        .with("timeInForce", "GTC")
        .with("quantity", "0.01000000")
        .with("price", "52000.00")
        .with("newOrderRespType", "ACK")
        .with("recvWindow", 100u32)
        .with("timestamp", 1_645_423_376_532i64);
    let key = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
    let payload = documented.websocket_payload(key, 0, 0);
    assert_eq!(
        hmac(SPOT, &payload),
        "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a"
    );
}

#[test]
fn ed25519_is_rfc_8032_in_base64() {
    // RFC 8032 §7.1, test 2: the one-byte message 0x72.
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    };
    let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let signer = Signer::ed25519(&seed.clone().try_into().unwrap());
    let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    assert_eq!(signer.ed25519_public().unwrap().to_vec(), public);
    let want = hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    assert_eq!(signer.signature(&[0x72]), base64.encode(want));
    // The same key as PKCS#8 PEM: the fixed 16-byte prefix of RFC 8410, then the seed.
    let der: Vec<u8> = hex("302e020100300506032b657004220420").into_iter().chain(seed).collect();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64.encode(&der)
    );
    let from_pem = Signer::ed25519_pem(&Secret::new(pem)).expect("a key");
    let signed = Query::new().with("symbol", "BTCUSDT").signed(&from_pem, 1, 5_000);
    let (message, signature) = signed.split_once("&signature=").unwrap();
    let plain = signer.signature(message.as_bytes());
    let encoded = plain.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert_eq!(signature, encoded);
    assert!(plain.ends_with('=') && signature.ends_with("%3D"));
    for bad in ["", "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", "MC4CAQ=="] {
        assert!(Signer::ed25519_pem(&Secret::from(bad)).is_err(), "{bad}");
    }
    assert_eq!(format!("{signer:?}"), "Signer(Ed25519)");
}
