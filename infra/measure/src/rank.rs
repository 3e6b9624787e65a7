//! Tests whether two series of durations differ, by ranks, which are robust against outliers (Mann and Whitney 1947).

use serde::Serialize;

/// One series compared with another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    /// The fraction of all pairs in which the first series has the longer duration. 0.5 means no difference.
    pub longer: f64,
    /// By how many standard errors `longer` differs from 0.5. Beyond 3, chance is ruled out.
    pub z: f64,
}

/// The median; `NaN` for an empty series.
#[must_use]
pub fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Compares every duration of one series with every duration of the other.
#[must_use]
pub fn compare(these: &[f64], those: &[f64]) -> Compared {
    let mut sorted = those.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = these.iter().map(|time| ranked(&sorted, *time)).sum();
    let (these, those) = (count(these), count(those));
    let longer = wins / (these * those);
    let z = (longer - 0.5) / ((these + those + 1.0) / (12.0 * these * those)).sqrt();
    Compared { longer, z }
}

/// How many of them this duration exceeds. Equal ones count half.
fn ranked(sorted: &[f64], time: f64) -> f64 {
    let shorter = sorted.partition_point(|other| *other < time);
    let equal = sorted.partition_point(|other| *other <= time) - shorter;
    count(&sorted[..shorter]) + count(&sorted[shorter..shorter + equal]) / 2.0
}

fn count(times: &[f64]) -> f64 {
    u32::try_from(times.len()).map_or(f64::NAN, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_tell_what_is_longer_and_how_surely() {
        let low: Vec<f64> = (0..100).map(f64::from).collect();
        let high: Vec<f64> = (100..200).map(f64::from).collect();
        assert!((compare(&high, &low).longer - 1.0).abs() < 1e-9);
        assert!((compare(&low, &high).longer - 0.0).abs() < 1e-9);
        let same = compare(&low, &low);
        assert!((same.longer - 0.5).abs() < 1e-9 && same.z.abs() < 1e-9, "{same:?}");
        // scipy.stats.mannwhitneyu([1,2,3,4,5], [4,5,6,7,8]): U = 2, without continuity and ties z = -2.19.
        let five = compare(&[1.0, 2.0, 3.0, 4.0, 5.0], &[4.0, 5.0, 6.0, 7.0, 8.0]);
        assert!((five.longer * 25.0 - 2.0).abs() < 1e-9 && (five.z + 2.193).abs() < 0.001, "{five:?}");
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
