# What a Key Vault needs so that Pawl can read it and hears of its changes: one application that Pawl reads as, with the rights of
# a reader, trusted from each cluster; one application that Event Grid's tokens are for; one event subscription.
#
# The same with az: README.md.

terraform {
  required_version = ">= 1.5"
  required_providers {
    azuread = { source = "hashicorp/azuread", version = "~> 3.0" }
    azurerm = { source = "hashicorp/azurerm", version = "~> 4.0" }
    random  = { source = "hashicorp/random", version = "~> 3.5" }
  }
}

variable "vault_id" {
  description = "The vault's resource id. Its permission model must be Azure role-based access control."
  type        = string
}

variable "endpoint" {
  description = "Where `pawl serve` is reached from outside, such as https://pawl.example.com. Without it no events are sent, and sweeps find what changed."
  type        = string
  default     = null
}

variable "service_accounts" {
  description = "The service accounts that Pawl shows tokens of: those that stores name in serviceAccountRef, by a name of your choice."
  type = map(object({
    issuer          = string # as `kubectl get --raw /.well-known/openid-configuration` tells it
    namespace       = string
    service_account = string
  }))
}

variable "secrets" {
  description = "Names of the secrets that may be read. Empty: all of the vault, which searches and cheap sweeps need."
  type        = set(string)
  default     = []
}

variable "reads_keys_and_certificates" {
  description = "Whether key/ and cert/ are read. It lets the metadata of the whole vault be listed, and no value."
  type        = bool
  default     = false
}

variable "event_grid_client_id" {
  description = "Event Grid's own application: this one in the public cloud, 54316b56-3481-47f9-8f30-0300f5542a7b in the US government's."
  type        = string
  default     = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
}

data "azuread_client_config" "current" {}

# Who Pawl is to the vault.

resource "azuread_application" "reader" {
  display_name = "pawl-reader"
}

resource "azuread_service_principal" "reader" {
  client_id = azuread_application.reader.client_id
}

resource "azuread_application_federated_identity_credential" "cluster" {
  for_each       = var.service_accounts
  application_id = azuread_application.reader.id
  display_name   = each.key
  audiences      = ["api://AzureADTokenExchange"]
  issuer         = each.value.issuer
  subject        = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
}

resource "azurerm_role_assignment" "secrets" {
  for_each             = length(var.secrets) == 0 ? { all = var.vault_id } : { for name in var.secrets : name => "${var.vault_id}/secrets/${name}" }
  scope                = each.value
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azuread_service_principal.reader.object_id
}

# Of keys and certificates Pawl reads the public part. Key Vault Crypto User could sign and decrypt as well, and Key Vault
# Certificate User could read private keys.
resource "azurerm_role_assignment" "public_parts" {
  count                = var.reads_keys_and_certificates ? 1 : 0
  scope                = var.vault_id
  role_definition_name = "Key Vault Reader"
  principal_id         = azuread_service_principal.reader.object_id
}

# How Pawl hears of changes. The role lets Event Grid ask for a token, and you make subscriptions with this application.

resource "random_uuid" "subscriber" {}

resource "azuread_application" "events" {
  count            = var.endpoint == null ? 0 : 1
  display_name     = "pawl-events"
  sign_in_audience = "AzureADMyOrg"

  app_role {
    id                   = random_uuid.subscriber.result
    value                = "AzureEventGridSecureWebhookSubscriber"
    display_name         = "Event Grid subscriber"
    description          = "Delivers events to Pawl"
    allowed_member_types = ["Application", "User"]
  }
}

resource "azuread_service_principal" "events" {
  count     = length(azuread_application.events)
  client_id = azuread_application.events[0].client_id
}

resource "azuread_service_principal" "event_grid" {
  count        = length(azuread_application.events)
  client_id    = var.event_grid_client_id
  use_existing = true
}

resource "azuread_app_role_assignment" "event_grid" {
  count               = length(azuread_application.events)
  app_role_id         = random_uuid.subscriber.result
  principal_object_id = azuread_service_principal.event_grid[0].object_id
  resource_object_id  = azuread_service_principal.events[0].object_id
}

resource "azuread_app_role_assignment" "writer" {
  count               = length(azuread_application.events)
  app_role_id         = random_uuid.subscriber.result
  principal_object_id = data.azuread_client_config.current.object_id
  resource_object_id  = azuread_service_principal.events[0].object_id
}

resource "azurerm_eventgrid_event_subscription" "pawl" {
  count                 = length(azuread_application.events)
  name                  = "pawl"
  scope                 = var.vault_id
  event_delivery_schema = "CloudEventSchemaV1_0"
  included_event_types = [
    "Microsoft.KeyVault.SecretNewVersionCreated",
    "Microsoft.KeyVault.KeyNewVersionCreated",
    "Microsoft.KeyVault.CertificateNewVersionCreated",
  ]

  webhook_endpoint {
    url                               = "${var.endpoint}/v1/azure/events"
    active_directory_tenant_id        = data.azuread_client_config.current.tenant_id
    active_directory_app_id_or_uri    = azuread_application.events[0].client_id
    max_events_per_batch              = 50
    preferred_batch_size_in_kilobytes = 256
  }

  # Event Grid asks Pawl at once whether it wants the events, with a token that is good only when the role is there.
  depends_on = [azuread_app_role_assignment.event_grid, azuread_app_role_assignment.writer]
}

output "service_account_annotations" {
  description = "What the service accounts that stores name must say."
  value = {
    "azure.workload.identity/client-id" = azuread_application.reader.client_id
    "azure.workload.identity/tenant-id" = data.azuread_client_config.current.tenant_id
  }
}

output "environment" {
  description = "What `pawl serve` must be told, so that it takes the events."
  value = var.endpoint == null ? {} : {
    PAWL_AZURE_EVENT_TENANT   = data.azuread_client_config.current.tenant_id
    PAWL_AZURE_EVENT_AUDIENCE = azuread_application.events[0].client_id
  }
}
