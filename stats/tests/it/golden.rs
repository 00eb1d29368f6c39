//! Tables of 60-digit arithmetic, in `tests/golden` beside the script that made them (mpmath 1.3.0).

use std::path::Path;

/// One table: rows of numbers, every column parsed to the nearest double.
pub struct Golden {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Golden {
    pub fn read(name: &str) -> Golden {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let text = std::fs::read_to_string(path).expect("the golden tables stand in the repository");
        let mut lines = text.lines();
        let columns = lines.next().expect("a header").split(',').map(String::from).collect();
        let rows = lines.map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect()).collect();
        Golden { columns, rows }
    }

    /// Compares one column with a function of the row; `None` says that the row is not for this function.
    pub fn compare(&self, column: &str, bound: f64, function: impl Fn(&[f64]) -> Option<f64>) {
        let at = self.columns.iter().position(|name| name == column).expect("a column of the table");
        let (mut worst, mut place, mut count) = (0.0, String::new(), 0);
        for row in &self.rows {
            let Some(got) = function(row) else { continue };
            count += 1;
            let want = row[at];
            // Subnormals hold fewer digits: allow one unit of theirs.
            let spacing = if want.abs() < 1e-305 { 1e-323 } else { 0.0 };
            let error = if got == want {
                0.0
            } else {
                ((got - want).abs() - spacing).max(0.0) / want.abs().max(f64::MIN_POSITIVE)
            };
            if error.is_nan() || error > worst {
                worst = error;
                place = format!("{:?}: got {got:e}, want {want:e}", &row[..2]);
            }
        }
        println!("{column}: worst relative error {worst:.1e} over {count} points, at {place}");
        assert!(count > 20, "{column}: only {count} points");
        assert!(worst <= bound, "{column}: {worst:.1e} is past {bound:.1e} at {place}");
    }
}
