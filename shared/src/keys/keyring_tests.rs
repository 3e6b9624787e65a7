use super::*;

#[test]
fn a_new_version_opens_at_once_and_makes_values_after_every_instance_has_loaded_it() {
    let at = |minutes| Timestamp::from_seconds(0) + Span::minutes(minutes);
    let cases = [
        (vec![], 0, None),
        (vec![(1, 0)], 0, Some(1)),
        (vec![(1, 0), (2, 100)], 100, Some(1)),
        (vec![(1, 0), (2, 100)], 104, Some(1)),
        (vec![(1, 0), (2, 100)], 105, Some(2)),
        (vec![(1, 0), (2, 1)], 2, Some(1)),
        (vec![(2, 0), (3, 1)], 60, Some(3)),
    ];
    for (versions, now, expected) in cases {
        let versions: Vec<_> = versions.into_iter().map(|(version, minutes)| (version, at(minutes))).collect();
        assert_eq!(making(&versions, at(now)), expected, "{versions:?} at {now}");
    }
}
