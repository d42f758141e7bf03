//! Call records as CSV: one row for each call.

use jackfield_switch::{CallRecord, LegRecord, MediaRecord};
use jiff::{Timestamp, tz::TimeZone};

const COLUMNS: [&str; 19] = [
    "id",
    "linked",
    "direction",
    "caller",
    "callee",
    "connected",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "cause",
    "code",
    "codecs",
    "security",
    "loss",
    "jitter",
    "mos",
    "recording",
];

/// In the order of the records. Times are RFC 3339 in `zone`, durations whole seconds, rounded.
pub fn export(records: &[CallRecord], zone: &TimeZone) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for record in records {
        writer.write_record(row(record, zone))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// In the order of [`COLUMNS`].
fn row(record: &CallRecord, zone: &TimeZone) -> [String; COLUMNS.len()] {
    let figure = |of: fn(&MediaRecord) -> Option<f32>, worse: fn(f32, f32) -> f32, digits: usize| {
        let figures = record.legs.iter().filter_map(|leg| of(&leg.media));
        figures.reduce(worse).map(|figure| format!("{figure:.digits$}")).unwrap_or_default()
    };
    [
        record.id.clone(),
        record.linked.clone(),
        name(record.direction),
        record.caller.clone(),
        record.callee.clone(),
        record.connected.clone().unwrap_or_default(),
        local(record.started_at, zone),
        record.answered_at.map(|at| local(at, zone)).unwrap_or_default(),
        local(record.ended_at, zone),
        seconds(record.duration()),
        seconds(record.billed()),
        name(record.end.cause),
        if record.end.code > 0 { record.end.code.to_string() } else { String::new() },
        of_legs(record, |leg| leg.codec.as_deref()),
        of_legs(record, |leg| leg.security.as_deref()),
        figure(|media| media.loss, f32::max, 1),
        figure(|media| media.jitter, f32::max, 1),
        figure(|media| media.mos, f32::min, 2),
        record.recording.clone().unwrap_or_default(),
    ]
}

/// One word for each leg that had media, in the order of the legs.
fn of_legs(record: &CallRecord, word: impl Fn(&LegRecord) -> Option<&str>) -> String {
    record.legs.iter().filter_map(word).collect::<Vec<_>>().join(" ")
}

fn seconds(millis: u64) -> String {
    ((millis + 500) / 1000).to_string()
}

/// As in the contract of the plugins: `no-answer`.
fn name(word: impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// `2026-11-23T07:18:00.250+01:00`
pub(crate) fn local(millis: u64, zone: &TimeZone) -> String {
    let timestamp = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let time = timestamp.map(|timestamp| timestamp.to_zoned_datetime(zone.clone()));
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jackfield_switch::{Cause, Direction, HangupInfo};

    use super::*;

    fn leg(codec: &str, loss: f32, mos: f32) -> LegRecord {
        LegRecord {
            id: String::new(),
            label: String::new(),
            direction: Direction::Outbound,
            address: String::new(),
            transport: String::new(),
            codec: Some(codec.to_owned()),
            security: Some("RTP".to_owned()),
            media: MediaRecord { loss: Some(loss), jitter: None, mos: Some(mos), ..MediaRecord::default() },
            started_at: 0,
            answered_at: None,
            ended_at: 0,
            end: HangupInfo { cause: Cause::Normal, code: 16, by_peer: true },
        }
    }

    #[test]
    fn a_row_has_the_worst_of_its_legs() {
        let record = CallRecord {
            id: "j-1".to_owned(),
            linked: "j-0".to_owned(),
            direction: Direction::Inbound,
            caller: "101".to_owned(),
            caller_name: "Alice".to_owned(),
            callee: "102".to_owned(),
            connected: Some("bob".to_owned()),
            started_at: 1_000,
            answered_at: Some(3_000),
            ended_at: 64_600,
            end: HangupInfo { cause: Cause::NoAnswer, code: 480, by_peer: true },
            results: Vec::new(),
            legs: vec![leg("PCMA", 0.25, 4.4), leg("OPUS", 2.0, 4.1)],
            recording: None,
        };
        let file = String::from_utf8(export(&[record], &TimeZone::UTC).unwrap()).unwrap();
        assert_eq!(
            file.lines().nth(1).unwrap(),
            "j-1,j-0,inbound,101,102,bob,1970-01-01T00:00:01.000+00:00,1970-01-01T00:00:03.000+00:00,\
             1970-01-01T00:01:04.600+00:00,64,62,no-answer,480,PCMA OPUS,RTP RTP,2.0,,4.10,"
        );
    }
}
