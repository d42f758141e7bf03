//! `kv`: a plugin's own keys and values, kept on disk by the services.

use super::{Failure, MAX_BODY, MAX_NAME, at_most, bindings::jackfield::plugin::kv::Host, millis};
use crate::instance::State;

/// Keys in one answer.
const MAX_KEYS: u32 = 1000;

impl Host for State {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Failure> {
        self.check_key(&key)?;
        let (plugin, services) = self.services();
        let answer = services.kv_get(plugin, &key);
        self.wait(answer).await
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl: Option<u32>) -> Result<(), Failure> {
        self.check_key(&key)?;
        at_most("value", value.len(), MAX_BODY)?;
        let (plugin, services) = self.services();
        let answer = services.kv_set(plugin, &key, value, ttl.map(millis));
        self.wait(answer).await
    }

    async fn delete(&mut self, key: String) -> Result<bool, Failure> {
        self.check_key(&key)?;
        let (plugin, services) = self.services();
        let answer = services.kv_delete(plugin, &key);
        self.wait(answer).await
    }

    async fn add(&mut self, key: String, delta: i64) -> Result<i64, Failure> {
        self.check_key(&key)?;
        let (plugin, services) = self.services();
        let answer = services.kv_add(plugin, &key, delta);
        self.wait(answer).await
    }

    async fn swap(&mut self, key: String, old: Option<Vec<u8>>, new: Vec<u8>) -> Result<bool, Failure> {
        self.check_key(&key)?;
        at_most("old", old.as_ref().map_or(0, Vec::len), MAX_BODY)?;
        at_most("value", new.len(), MAX_BODY)?;
        let (plugin, services) = self.services();
        let answer = services.kv_swap(plugin, &key, old, new);
        self.wait(answer).await
    }

    async fn keys(&mut self, prefix: String, after: String, limit: u32) -> Result<Vec<String>, Failure> {
        self.check_key(&prefix)?;
        at_most("after", after.len(), MAX_NAME)?;
        let (plugin, services) = self.services();
        let answer = services.kv_keys(plugin, &prefix, &after, limit.min(MAX_KEYS));
        self.wait(answer).await
    }
}

impl State {
    fn check_key(&self, key: &str) -> Result<(), Failure> {
        self.not_in_check("kv")?;
        Ok(at_most("key", key.len(), MAX_NAME)?)
    }
}
