//! The answers to calls on webhooks. What a webhook is, its object writes.

use crate::key::Project;
use crate::webhooks::Secret;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
pub struct CreatedOut<'a> {
    success: bool,
    webhook_id: &'a str,
    project: &'a Project,
    secret: &'a str,
    message: &'static str,
}

impl<'a> CreatedOut<'a> {
    pub fn new(webhook_id: &'a str, project: &'a Project, secret: &'a Secret) -> Self {
        let message = "Webhook created; its secret is shown only once";
        CreatedOut { success: true, webhook_id, project, secret: secret.reveal(), message }
    }
}

#[derive(Serialize)]
pub struct SecretOut<'a> {
    success: bool,
    webhook_id: &'a str,
    secret: &'a str,
    message: &'static str,
}

impl<'a> SecretOut<'a> {
    pub fn new(webhook_id: &'a str, secret: &'a Secret) -> Self {
        let message = "Secret made, and shown only once; the one before signs for 24 hours too";
        SecretOut { success: true, webhook_id, secret: secret.reveal(), message }
    }
}

#[derive(Serialize)]
pub struct DeletedOut<'a> {
    success: bool,
    webhook_id: &'a str,
    message: &'static str,
}

impl<'a> DeletedOut<'a> {
    pub fn new(webhook_id: &'a str) -> Self {
        DeletedOut { success: true, webhook_id, message: "Webhook deleted" }
    }
}

#[derive(Serialize)]
pub struct WebhookOut {
    success: bool,
    webhook: Box<RawValue>,
}

impl WebhookOut {
    pub fn new(webhook: Box<RawValue>) -> Self {
        WebhookOut { success: true, webhook }
    }
}

#[derive(Serialize)]
pub struct ListOut {
    success: bool,
    webhooks: Vec<Box<RawValue>>,
}

impl ListOut {
    pub fn new(webhooks: Vec<Box<RawValue>>) -> Self {
        ListOut { success: true, webhooks }
    }
}
