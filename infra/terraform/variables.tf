# The parameters of infra/member.yaml, and the clusters, of which Terraform can make something for each.

variable "pawl_account" {
  type        = string
  description = "The account of Pawl's stack."
  validation {
    condition     = can(regex("^\\d{12}$", var.pawl_account))
    error_message = "An account has twelve digits."
  }
}

variable "pawl_region" {
  type        = string
  description = "The region of Pawl's stack."
}

variable "pawl_bus" {
  type        = string
  default     = "pawl"
  description = "BusName of Pawl's stack, which is the stack's name."
}

variable "pawl_role_prefix" {
  type        = string
  description = "RolePrefix of Pawl's stack."
  validation {
    condition     = can(regex("^[a-zA-Z0-9+=,.@_-]+$", var.pawl_role_prefix))
    error_message = "Deploy Pawl's stack with RolePrefix, and name it here."
  }
}

variable "role_region" {
  type        = string
  description = "The one region in which this module makes the roles, which are the account's in all regions."
}

variable "store_role_name" {
  type        = string
  default     = "pawl-store"
  description = "Name of the role that stores of this account name."
}

variable "cluster_role_name" {
  type        = string
  default     = "pawl-cluster"
  description = "Name of the role that Clusters of this account name."
}

variable "readable_secrets" {
  type        = string
  default     = ""
  description = "Which secrets of the account may be read, as the name in their ARN, such as prod/*. Empty for none."
}

variable "readable_parameters" {
  type        = string
  default     = ""
  description = "Which parameters of the account may be read, as the name in their ARN, such as prod/*. Empty for none."
}

variable "decryptable_keys" {
  type        = list(string)
  default     = []
  description = "ARN patterns of the KMS keys of those secrets and parameters, which are only ever used through the two services."
}

variable "cloud_trail_events" {
  type        = string
  default     = "lifecycle"
  description = "As CloudTrailEvents of Pawl's stack: none, lifecycle or all."
  validation {
    condition     = contains(["none", "lifecycle", "all"], var.cloud_trail_events)
    error_message = "Write none, lifecycle or all."
  }
}

variable "alarm_topic" {
  type        = string
  default     = ""
  description = "Name of an SNS topic of this account and region that alarms go to. Empty for none."
}

variable "permissions_boundary" {
  type        = string
  default     = ""
  description = "Name of a policy of this account that bounds the roles. Empty for none."
}

variable "clusters" {
  type        = set(string)
  default     = []
  description = "EKS clusters of this region that admit Pawl; their authentication mode must be API or API_AND_CONFIG_MAP."
}

variable "kubernetes_group" {
  type        = string
  default     = "pawl"
  description = "The group that infra/kubernetes gives rights to."
}
