//! Random programs of a journal against a list.

use crate::{Folder, HEADER, config};
use aegis_journal::{Durability, Kind, Reader, Source, Writer};
use proptest::prelude::*;
use std::fs::OpenOptions;

#[derive(Clone, Debug)]
enum Step {
    Append {
        kind: usize,
        seq: u64,
        payload: Vec<u8>,
    },
    Flush,
    Reopen,
    /// Lose so many bytes at the end of the last record, then reopen.
    Tear {
        bytes: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        6 => (1usize..7, any::<u64>(), payload)
            .prop_map(|(kind, seq, payload)| Step::Append { kind, seq, payload }),
        2 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => (1u64..60).prop_map(|bytes| Step::Tear { bytes }),
    ]
}

type Record = (Kind, Source, Vec<u8>);

fn contents(folder: &Folder) -> Vec<Record> {
    let mut reader = Reader::open(folder.path()).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        assert_eq!(record.number, records.len() as u64 + 1);
        records.push((record.kind, record.source, record.payload.to_vec()));
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_journal_is_a_list(
        steps in prop::collection::vec(step(), 1..60),
        segment in 256u64..4_096,
        power in any::<bool>(),
    ) {
        let durability = if power { Durability::Power } else { Durability::Process };
        let (folder, config) = (Folder::new(), config(durability, segment));
        let mut writer = Writer::create(folder.path(), HEADER, &config).unwrap();
        let mut model: Vec<Record> = Vec::new();
        for step in steps {
            match step {
                Step::Append { kind, seq, payload } => {
                    let source = Source { epoch: seq % 5, seq, position: !seq };
                    let number = writer.append(Kind::ALL[kind], source, &payload).unwrap();
                    model.push((Kind::ALL[kind], source, payload));
                    prop_assert_eq!(number, model.len() as u64);
                }
                Step::Flush => {
                    writer.flush().unwrap();
                    prop_assert_eq!(contents(&folder), model.clone());
                }
                Step::Reopen => {
                    writer.close().unwrap();
                    let resumed = Writer::resume(folder.path(), &config).unwrap();
                    prop_assert_eq!(resumed.1.truncated_bytes, 0);
                    writer = resumed.0;
                }
                Step::Tear { bytes } => {
                    writer.close().unwrap();
                    let mut reader = Reader::open(folder.path()).unwrap();
                    let mut start = 0;
                    let mut number = 0;
                    while let Some(next) = {
                        let place = reader.place().1;
                        reader.next().unwrap().map(|r| (place, r.number))
                    } {
                        (start, number) = next;
                    }
                    let (file, end) = reader.place();
                    // The last record may be the first of its segment only behind the header.
                    if number > 0 && start < end {
                        let file = OpenOptions::new().write(true).open(file).unwrap();
                        file.set_len(end - bytes.min(end - start)).unwrap();
                        model.pop();
                    }
                    let resumed = Writer::resume(folder.path(), &config).unwrap();
                    prop_assert_eq!(resumed.1.records, model.len() as u64 + 1);
                    writer = resumed.0;
                }
            }
        }
        writer.flush().unwrap();
        prop_assert_eq!(contents(&folder), model);
    }
}
