//! The plugins' values, with the rules of the daemon's store.

use std::{collections::BTreeMap, time::Duration};

use jackfield_plugin::Limits;
use jackfield_switch::Error;

/// The largest value and the longest key, in bytes.
const MAX_VALUE: usize = 256 << 10;
const MAX_KEY: usize = 512;
/// What each costs besides.
const ROW: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Values {
    /// By plugin and key.
    all: BTreeMap<(String, String), Value>,
    /// Bytes that a plugin may keep.
    quotas: BTreeMap<String, usize>,
}

#[derive(Clone, Debug)]
struct Value {
    bytes: Vec<u8>,
    /// Unix milliseconds.
    expires: Option<u64>,
}

impl Values {
    pub(crate) fn set_quota(&mut self, plugin: &str, bytes: usize) {
        self.quotas.insert(plugin.to_owned(), bytes);
    }

    pub(crate) fn get(&self, plugin: &str, key: &str, now: u64) -> Option<Vec<u8>> {
        self.present(plugin, key, now).map(|value| value.bytes.clone())
    }

    pub(crate) fn set(
        &mut self,
        plugin: &str,
        key: &str,
        bytes: Vec<u8>,
        ttl: Option<Duration>,
        now: u64,
    ) -> Result<(), Error> {
        let expires = ttl.map(|ttl| now.saturating_add(ttl.as_millis() as u64));
        self.write(plugin, key, Value { bytes, expires }, now)
    }

    pub(super) fn delete(&mut self, plugin: &str, key: &str, now: u64) -> bool {
        let was_there = self.present(plugin, key, now).is_some();
        self.all.remove(&name(plugin, key));
        was_there
    }

    /// The value is its decimal text, and keeps its time.
    pub(super) fn add(&mut self, plugin: &str, key: &str, delta: i64, now: u64) -> Result<i64, Error> {
        let present = self.present(plugin, key, now);
        let number = match present {
            None => Some(0),
            Some(value) => str::from_utf8(&value.bytes).ok().and_then(|text| text.trim().parse().ok()),
        };
        let number: i64 =
            number.ok_or_else(|| Error::Invalid(format!("the value of {key} is not a number")))?;
        let sum = number
            .checked_add(delta)
            .ok_or_else(|| Error::Invalid(format!("the number {key} would be too large")))?;
        let expires = present.and_then(|value| value.expires);
        self.write(plugin, key, Value { bytes: sum.to_string().into(), expires }, now)?;
        Ok(sum)
    }

    pub(super) fn swap(
        &mut self,
        plugin: &str,
        key: &str,
        old: Option<&[u8]>,
        new: Vec<u8>,
        now: u64,
    ) -> Result<bool, Error> {
        let present = self.present(plugin, key, now);
        if present.map(|value| &*value.bytes) != old {
            return Ok(false);
        }
        let expires = present.and_then(|value| value.expires);
        self.write(plugin, key, Value { bytes: new, expires }, now)?;
        Ok(true)
    }

    pub(super) fn keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32, now: u64) -> Vec<String> {
        let own = self.all.range(name(plugin, after)..).take_while(|((owner, _), _)| owner == plugin);
        own.filter(|((_, key), value)| key.starts_with(prefix) && &**key > after && value.is_there(now))
            .map(|((_, key), _)| key.clone())
            .take(limit as usize)
            .collect()
    }

    fn present(&self, plugin: &str, key: &str, now: u64) -> Option<&Value> {
        self.all.get(&name(plugin, key)).filter(|value| value.is_there(now))
    }

    fn write(&mut self, plugin: &str, key: &str, value: Value, now: u64) -> Result<(), Error> {
        if key.len() > MAX_KEY {
            return Err(Error::Limit(format!("a key has at most {MAX_KEY} bytes")));
        }
        if value.bytes.len() > MAX_VALUE {
            return Err(Error::Limit(format!("a value has at most {MAX_VALUE} bytes")));
        }
        let quota = self.quotas.get(plugin).copied().unwrap_or(Limits::default().kv);
        let others = self
            .all
            .iter()
            .filter(|((owner, other), value)| owner == plugin && other != key && value.is_there(now));
        let size = |key: &str, value: &Value| key.len() + value.bytes.len() + ROW;
        let others: usize = others.map(|((_, key), value)| size(key, value)).sum();
        if others + size(key, &value) > quota {
            return Err(Error::Limit(format!("the key-value store of {plugin} holds at most {quota} bytes")));
        }
        self.all.insert(name(plugin, key), value);
        Ok(())
    }
}

impl Value {
    fn is_there(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

fn name(plugin: &str, key: &str) -> (String, String) {
    (plugin.to_owned(), key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_apart_counted_and_swapped() {
        let mut values = Values::default();
        values.set("ivr", "k", b"v".to_vec(), None, 0).unwrap();
        assert_eq!(values.get("ivr", "k", 0).as_deref(), Some(&b"v"[..]));
        assert_eq!(values.get("other", "k", 0), None);
        assert_eq!(values.add("ivr", "n", 2, 0), Ok(2));
        assert_eq!(values.add("ivr", "n", -5, 0), Ok(-3));
        assert!(values.add("ivr", "k", 1, 0).is_err());
        assert_eq!(values.swap("ivr", "k", Some(b"x"), b"y".to_vec(), 0), Ok(false));
        assert_eq!(values.swap("ivr", "k", Some(b"v"), b"y".to_vec(), 0), Ok(true));
        assert_eq!(values.keys("ivr", "", "k", 10, 0), ["n"]);
        assert!(values.delete("ivr", "k", 0) && !values.delete("ivr", "k", 0));
    }

    #[test]
    fn what_has_expired_is_gone_and_quotas_hold() {
        let mut values = Values::default();
        values.set("ivr", "t", b"7".to_vec(), Some(Duration::from_secs(1)), 5000).unwrap();
        assert_eq!(values.add("ivr", "t", 1, 5999), Ok(8));
        assert_eq!(values.get("ivr", "t", 6000), None);
        assert_eq!(values.add("ivr", "t", 1, 6000), Ok(1));
        values.set_quota("ivr", 300);
        values.set("ivr", "a", vec![0; 90], None, 0).unwrap();
        assert!(matches!(values.set("ivr", "b", vec![0; 90], None, 0), Err(Error::Limit(_))));
        values.set("ivr", "a", vec![0; 10], None, 0).unwrap();
    }
}
