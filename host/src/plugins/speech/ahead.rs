//! Sentences that plugins announced while their settings were checked are made before a caller asks
//! for them: one at a time, and none while somebody waits for another.

use std::sync::Arc;

use jackfield_plugin::{Host, Speech};
use tracing::debug;

use super::Speaker;

impl Speaker {
    /// Looks at the announced sentences whenever something has changed, for as long as it is polled.
    pub async fn prepare(self: Arc<Self>, host: Host) {
        loop {
            self.changed.notified().await;
            let announced = self.announced();
            for (plugin, speech) in announced {
                self.until_nobody_waits().await;
                if let Err(error) = self.make(&host, speech).await {
                    debug!(plugin, "speech is not made ahead: {error}");
                    break;
                }
            }
        }
    }

    /// Of all plugins, each sentence once.
    fn announced(&self) -> Vec<(String, Speech)> {
        let mut announced: Vec<(String, Speech)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for version in self.plugins.all_live() {
            let new = version.announced().iter().filter(|speech| seen.insert((*speech).clone()));
            announced.extend(new.map(|speech| (version.name().to_owned(), speech.clone())));
        }
        announced
    }

    async fn until_nobody_waits(&self) {
        // The sender is ours: it does not close.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting == 0).await;
    }
}
