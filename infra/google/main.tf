# What a project of Google Cloud needs so that Pawl hears of changes of its secrets and can read them, with no more rights than that.
# README.md says what each part is for; setup.sh makes the same with gcloud.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0"
    }
  }
}

variable "project" {
  description = "Id of the project whose secrets are read."
  type        = string
}

variable "push_endpoint" {
  description = "Where Pub/Sub pushes: https://<host of pawl serve>/v1/google/pubsub, or IntakeUrl of the stack with v1/google/pubsub behind it. Empty for a subscription that is pulled."
  type        = string
  default     = ""
}

variable "push_audience" {
  description = "The audience of the token that Pub/Sub shows, the same as PAWL_PUBSUB_AUDIENCE or PubSubAudience."
  type        = string
  default     = "pawl"
}

variable "aws_account" {
  description = "Account of AWS in which Pawl runs, where its own role is to prove it to Google. Empty for none."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9]{12})?$", var.aws_account))
    error_message = "Write the twelve digits of the account."
  }
}

variable "aws_roles" {
  description = "Names of the roles of that account which may pull: the role that pawl serve runs with."
  type        = set(string)
  default     = []
}

variable "readers" {
  description = "Who reads values: members such as serviceAccount:reader@shop.iam.gserviceaccount.com."
  type        = set(string)
  default     = []
}

variable "secrets" {
  description = "Ids of the secrets that they read. Empty for all of the project, which find needs."
  type        = set(string)
  default     = []
}

data "google_project" "this" {
  project_id = var.project
}

locals {
  pushes = var.push_endpoint != ""
  # The identity with which Pub/Sub itself acts in this project.
  pubsub = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  # Of all secrets of the project, or of those that are named, by each reader.
  everywhere = length(var.secrets) == 0 ? var.readers : toset([])
  named      = { for pair in setproduct(var.readers, var.secrets) : join(" ", pair) => { reader = pair[0], secret = pair[1] } }
}

resource "google_project_service" "needed" {
  for_each           = toset(["secretmanager.googleapis.com", "pubsub.googleapis.com", "logging.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com"])
  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

# --- Changes: every one of the project's secrets, by the audit log

resource "google_pubsub_topic" "pawl" {
  project    = var.project
  name       = "pawl"
  depends_on = [google_project_service.needed]
}

resource "google_logging_project_sink" "pawl" {
  project                = var.project
  name                   = "pawl"
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.pawl.id}"
  filter                 = "logName:\"cloudaudit.googleapis.com%2Factivity\" AND protoPayload.serviceName=\"secretmanager.googleapis.com\""
  unique_writer_identity = true
}

resource "google_pubsub_topic_iam_member" "sink" {
  project = var.project
  topic   = google_pubsub_topic.pawl.name
  role    = "roles/pubsub.publisher"
  member  = google_logging_project_sink.pawl.writer_identity
}

# --- What was tried in vain stays for a person to look at, and each delivery is counted

resource "google_pubsub_topic" "dead" {
  project    = var.project
  name       = "pawl-dead"
  depends_on = [google_project_service.needed]
}

resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = "pawl-dead"
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = "604800s"
  expiration_policy { ttl = "" }
}

resource "google_pubsub_topic_iam_member" "dead" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub
}

resource "google_pubsub_subscription" "pawl" {
  project                    = var.project
  name                       = "pawl"
  topic                      = google_pubsub_topic.pawl.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"
  expiration_policy { ttl = "" }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 100
  }

  dynamic "push_config" {
    for_each = local.pushes ? [true] : []
    content {
      push_endpoint = var.push_endpoint
      oidc_token {
        service_account_email = google_service_account.push[0].email
        audience              = var.push_audience
      }
    }
  }
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  project      = var.project
  subscription = google_pubsub_subscription.pawl.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub
}

# --- Push: whom Pub/Sub pushes as. The account may do nothing else.

resource "google_service_account" "push" {
  count        = local.pushes ? 1 : 0
  project      = var.project
  account_id   = "pawl-push"
  display_name = "Shown to Pawl by Pub/Sub"
}

resource "google_service_account_iam_member" "push" {
  count              = local.pushes ? 1 : 0
  service_account_id = google_service_account.push[0].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub
}

# --- Pull: roles of AWS that are trusted, and nothing that is secret

resource "google_iam_workload_identity_pool" "pawl" {
  count                     = var.aws_account != "" ? 1 : 0
  project                   = var.project
  workload_identity_pool_id = "pawl"
  depends_on                = [google_project_service.needed]
}

resource "google_iam_workload_identity_pool_provider" "aws" {
  count                              = var.aws_account != "" ? 1 : 0
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.pawl[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "aws"

  attribute_mapping = {
    "google.subject"     = "assertion.arn"
    "attribute.aws_role" = "assertion.arn.extract('assumed-role/{role}/')"
  }
  attribute_condition = "attribute.aws_role in [${join(", ", [for role in var.aws_roles : "'${role}'"])}]"

  aws { account_id = var.aws_account }
}

resource "google_pubsub_subscription_iam_member" "pull" {
  for_each     = var.aws_account != "" ? var.aws_roles : toset([])
  project      = var.project
  subscription = google_pubsub_subscription.pawl.name
  role         = "roles/pubsub.subscriber"
  member       = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pawl[0].name}/attribute.aws_role/${each.value}"
}

# --- Values: who reads which secrets

resource "google_project_iam_member" "values" {
  for_each = local.everywhere
  project  = var.project
  role     = "roles/secretmanager.secretAccessor"
  member   = each.value
}

resource "google_project_iam_member" "versions" {
  for_each = local.everywhere
  project  = var.project
  role     = "roles/secretmanager.viewer"
  member   = each.value
}

resource "google_secret_manager_secret_iam_member" "values" {
  for_each  = local.named
  project   = var.project
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.reader
}

resource "google_secret_manager_secret_iam_member" "versions" {
  for_each  = local.named
  project   = var.project
  secret_id = each.value.secret
  role      = "roles/secretmanager.viewer"
  member    = each.value.reader
}

output "subscription" {
  description = "PAWL_PUBSUB_SUBSCRIPTION of a pawl serve that pulls."
  value       = google_pubsub_subscription.pawl.id
}

output "push_account" {
  description = "PAWL_PUBSUB_ACCOUNT of whoever is pushed to."
  value       = local.pushes ? google_service_account.push[0].email : ""
}

output "aws_audience" {
  description = "The audience of an external_account configuration for AWS, and of stores with awsSecurityCredentials."
  value       = var.aws_account != "" ? "//iam.googleapis.com/${google_iam_workload_identity_pool_provider.aws[0].name}" : ""
}
