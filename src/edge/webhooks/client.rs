//! The way to the objects of webhooks.

use crate::edge::objects::within;
use crate::edge::rpc;
use crate::edge::runtime::{Hops, sleep, with_deadline};
use crate::json;
use crate::key::WebhookAddress;
use crate::webhooks::{WebhookAnswer, WebhookRequest, Webhooks};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use worker::{ObjectNamespace, Result, Stub};

/// How long a request waits for objects: a receiver may take a while to answer a test.
const DEADLINE: Duration = Duration::from_secs(20);

/// A call under way.
type Call<'a> = Pin<Box<dyn Future<Output = Result<String>> + 'a>>;

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
        let mut calls: Vec<Call<'_>> = Vec::new();
        for webhook in webhooks {
            calls.push(Box::pin(self.call_one(webhook, request, hops)));
        }
        let mut answers: Vec<Option<Result<String>>> = calls.iter().map(|_| None).collect();
        poll_fn(|task| {
            for (call, answer) in calls.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
                if let Poll::Ready(answered) = call.as_mut().poll(task) {
                    *answer = Some(answered);
                }
            }
            if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        answers.into_iter().flatten().collect()
    }

    async fn call_one(&self, webhook: &WebhookAddress, request: &str, hops: &Hops) -> Result<String> {
        rpc::call(|| self.object(webhook), request, request, hops).await
    }

    fn object(&self, WebhookAddress { id, jurisdiction }: &WebhookAddress) -> Result<Stub> {
        match jurisdiction {
            Some(jurisdiction) => within(&self.objects, *jurisdiction)?.get_by_name(id),
            None => self.objects.get_by_name(id),
        }
    }
}
