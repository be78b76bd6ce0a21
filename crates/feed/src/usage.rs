//! What leases have used, on its way from a gateway to the control plane.
//!
//! A gateway numbers its reports without gaps, repeats each until it is answered, and never changes
//! one that has left. The control plane adds a report in the transaction that notes its number, so
//! that however often one arrives, it is counted once.

use serde::{Deserialize, Serialize};

/// What leases have used: the lines of one numbered report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who has counted: 128 random bits in lower-case hexadecimal digits. They are drawn when a
    /// gateway begins to count, and again when what it has counted so far was lost.
    pub meter: String,
    /// Which of the meter's reports it is: 1, 2, 3 and so on.
    pub number: u64,
    /// What was used, one line for each lease and day; at most [`LINES_MOST`].
    pub lines: Vec<Line>,
}

/// So many lines a report has at most. What is more follows in the next.
pub const LINES_MOST: usize = 10_000;

/// What a lease has used, within one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which lease.
    pub lease: u64,
    /// When that was counted: milliseconds since 1970 UTC. The day is the one that this is in.
    pub at: i64,
    /// Bytes from clients to destinations.
    #[serde(default)]
    pub bytes_up: u64,
    /// Bytes from destinations to clients.
    #[serde(default)]
    pub bytes_down: u64,
    /// Flows that were opened.
    #[serde(default)]
    pub flows: u64,
}

/// What the control plane answers to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the last report that it has taken of that meter, ever; 0 if there is none.
    /// That of the report itself, or more, says that it need not be sent again.
    pub last: u64,
    /// How many lines named a lease that there is not. They are counted nowhere.
    #[serde(default)]
    pub unknown: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written_and_what_is_left_out_is_nothing() {
        let text = r#"{"meter":"00112233445566778899aabbccddeeff","number":7,"lines":[
            {"lease":3,"at":86400000,"bytes_down":9,"from_the_future":1}],"and":{}}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        let line = Line { lease: 3, at: 86_400_000, bytes_up: 0, bytes_down: 9, flows: 0 };
        assert_eq!((report.number, report.lines.as_slice()), (7, [line].as_slice()));
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        let answer: Answer = serde_json::from_str(r#"{"last":7}"#).unwrap();
        assert_eq!(answer, Answer { last: 7, unknown: 0 });
    }
}
