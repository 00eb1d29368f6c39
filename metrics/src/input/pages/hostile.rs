//! Bytes that no writer wrote: an error, or rows of the right shape; never a panic, and never without end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::agreement::{KINDS, footer, read, written};

fn bytes(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn overwrite(mut file: &File, bytes: &[u8]) {
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(bytes).unwrap();
}

/// The bytes of all chunks.
fn pages(footer: &ParquetMetaData) -> std::ops::Range<usize> {
    let chunks = footer.row_groups().iter().flat_map(|group| group.columns());
    let end = chunks.map(|chunk| chunk.byte_range()).map(|(start, length)| start + length).max();
    4..end.unwrap_or(4) as usize
}

#[test]
fn damaged_pages_are_an_error_or_rows() {
    let memories = Arc::default();
    let mut refused = 0;
    for seed in 0..60 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let kinds: Vec<usize> = (0..3).map(|_| dice.random_range(0..KINDS)).collect();
        let file = Arc::new(written(&mut dice, &kinds, 300));
        let footer = footer(&file);
        let (whole, range) = (bytes(&file), pages(footer.metadata()));
        for _ in 0..60 {
            let mut broken = whole.clone();
            for _ in 0..dice.random_range(1..4) {
                let at = dice.random_range(range.clone());
                broken[at] = *[0, 1, 0x7f, 0x80, 0xff, dice.random()].choose(&mut dice).unwrap();
            }
            overwrite(&file, &broken);
            let first = *[0, 0, 170].choose(&mut dice).unwrap();
            match read(&file, (footer.metadata(), footer.schema()), (0, first..300), 64, &memories) {
                Ok(batches) => {
                    let columns = batches.iter().flatten();
                    columns.for_each(|column| column.to_data().validate_full().unwrap());
                    let rows: usize = batches.iter().filter_map(|batch| batch.first()).map(|column| column.len()).sum();
                    assert!(rows == 300 - first || batches.iter().all(|batch| batch.is_empty()), "seed {seed}");
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_cut_file_is_an_error() {
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let file = Arc::new(written(&mut dice, &[0, 3], 300));
    let footer = footer(&file);
    let end = pages(footer.metadata()).end;
    file.set_len(end as u64 - 1).unwrap();
    let error = read(&file, (footer.metadata(), footer.schema()), (0, 0..300), 64, &Arc::default()).unwrap_err();
    assert_eq!(error.to_string(), "Parquet error: column `1`: it lies outside the file");
}

#[test]
fn a_page_that_lies_about_its_rows_is_an_error() {
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..300));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let file = Arc::new(tempfile::tempfile().unwrap());
    let mut writer = ArrowWriter::try_new(file.try_clone().unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let footer = footer(&file);
    let whole = bytes(&file);
    // 300 as the header has it: twice, since the lowest bit is the sign, in groups of seven bits.
    let at = whole.windows(2).position(|pair| pair == [0xd8, 0x04]).unwrap();
    for (low, expected) in [
        (0xd8, None),
        (0xda, Some("Parquet error: column `n`: a page has 301 rows where the row group has 300 left")),
        (0xd6, Some("Parquet error: column `n`: its pages lack 1 of the rows of the row group")),
        (0xd7, Some("Parquet error: column `n`: the header of a page has a negative length")),
    ] {
        let mut broken = whole.clone();
        broken[at] = low;
        overwrite(&file, &broken);
        let read = read(&file, (footer.metadata(), footer.schema()), (0, 0..300), 64, &Arc::default());
        assert_eq!(read.err().map(|error| error.to_string()).as_deref(), expected);
    }
}
