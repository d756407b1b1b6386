//! The way to the objects of webhooks.

use crate::edge::objects::within;
use crate::edge::rpc;
use crate::edge::runtime::{Hops, sleep, with_deadline};
use crate::json;
use crate::key::WebhookAddress;
use crate::webhooks::{WebhookAnswer, WebhookRequest, Webhooks};
use futures_util::future::join_all;
use std::time::Duration;
use worker::{ObjectNamespace, Result, Stub};

/// How long a request waits for objects: a receiver may take a while to answer a test.
const DEADLINE: Duration = Duration::from_secs(20);

/// The objects of webhooks, for one request.
pub struct RemoteWebhooks {
    pub objects: ObjectNamespace,
    pub hops: Hops,
}

impl Webhooks for RemoteWebhooks {
    async fn call(
        &self,
        webhooks: &[WebhookAddress],
        request: &WebhookRequest,
    ) -> std::result::Result<Vec<WebhookAnswer>, String> {
        self.hops.add();
        let request = serde_json::to_string(request).map_err(|error| error.to_string())?;
        let answers = with_deadline(DEADLINE, self.call_all(webhooks, &request, &self.hops)).await;
        let answers = answers.ok_or_else(|| format!("webhook: no answer within {DEADLINE:?}"))?;
        let read = |answer: Result<String>| {
            let answer = answer.map_err(|error| format!("webhook: {error}"))?;
            json::from_str(&answer).map_err(|_| "webhook: its answer can't be read".to_owned())
        };
        answers.into_iter().map(read).collect()
    }

    async fn poke(&self, webhooks: &[WebhookAddress], after_ms: u64) {
        if after_ms > 0 {
            sleep(Duration::from_millis(after_ms)).await;
        }
        // The object's own alarm finds what a poke that is lost would have said.
        let Ok(request) = serde_json::to_string(&WebhookRequest::Poke) else { return };
        self.call_all(webhooks, &request, &Hops::default()).await;
    }
}

impl RemoteWebhooks {
    /// Calls them all at once.
    async fn call_all(&self, webhooks: &[WebhookAddress], request: &str, hops: &Hops) -> Vec<Result<String>> {
        join_all(webhooks.iter().map(|webhook| rpc::call(|| self.object(webhook), request, request, hops))).await
    }

    fn object(&self, WebhookAddress { id, jurisdiction }: &WebhookAddress) -> Result<Stub> {
        match jurisdiction {
            Some(jurisdiction) => within(&self.objects, *jurisdiction)?.get_by_name(id),
            None => self.objects.get_by_name(id),
        }
    }
}
