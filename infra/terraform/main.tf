# An account and region that Pawl serves, as infra/member.yaml makes it with CloudFormation, and the access entries of its clusters. Use it once
# for each region:
#
#   module "pawl" {
#     source           = "<this folder>"
#     pawl_account     = "123456789012"
#     pawl_region      = "eu-central-1"
#     pawl_role_prefix = "pawl"
#     role_region      = "eu-central-1"
#     readable_secrets = "prod/*"
#     clusters         = ["shop", "till"]
#   }

data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

locals {
  account     = data.aws_caller_identity.here.account_id
  partition   = data.aws_partition.here.partition
  makes_roles = data.aws_region.here.name == var.role_region
  iam         = "arn:${local.partition}:iam"
  bus         = "arn:${local.partition}:events:${var.pawl_region}:${var.pawl_account}:event-bus/${var.pawl_bus}"
  boundary    = var.permissions_boundary == "" ? null : "${local.iam}::${local.account}:policy/${var.permissions_boundary}"
  topics      = var.alarm_topic == "" ? [] : ["arn:${local.partition}:sns:${data.aws_region.here.name}:${local.account}:${var.alarm_topic}"]
  # Roles of Pawl's functions are known by name, so that they may be made anew.
  pawl_roles   = { for name in ["sync", "deliver", "sweep", "index"] : name => "${local.iam}::${var.pawl_account}:role/${var.pawl_role_prefix}-${name}" }
  cluster_role = "${local.iam}::${local.account}:role/${var.cluster_role_name}"

  trail = {
    account     = [local.account]
    detail-type = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"]
  }
  always = {
    secret-changed = {
      account     = [local.account]
      source      = ["aws.secretsmanager"]
      detail-type = ["Secret Label Updated"]
    }
    parameter-changed = {
      account     = [local.account]
      source      = ["aws.ssm"]
      detail-type = ["Parameter Store Change"]
      detail      = { exception = [{ exists = false }] }
    }
  }
  lifecycle_events = {
    secret-lifecycle = merge(local.trail, {
      source = ["aws.secretsmanager"]
      detail = {
        eventSource = ["secretsmanager.amazonaws.com"]
        errorCode   = [{ exists = false }]
        eventName = [
          "DeleteSecret",
          "RestoreSecret",
          "CancelSecretVersionDelete",
          "EndSecretVersionDelete",
          "ReplicateSecretToRegions",
          "ReplicationSucceeded",
          "RemoveRegionsFromReplication",
          "TagResource",
          "UntagResource",
        ]
      }
    })
    parameter-tagged = merge(local.trail, {
      source      = ["aws.ssm"]
      detail-type = ["AWS API Call via CloudTrail"]
      detail = {
        eventSource = ["ssm.amazonaws.com"]
        errorCode   = [{ exists = false }]
        eventName   = ["AddTagsToResource", "RemoveTagsFromResource", "UnlabelParameterVersion"]
      }
    })
  }
  value_events = {
    secret-changed-by-trail = merge(local.trail, {
      source = ["aws.secretsmanager"]
      detail = {
        eventSource = ["secretsmanager.amazonaws.com"]
        errorCode   = [{ exists = false }]
        eventName   = ["CreateSecret", "PutSecretValue", "RotationSucceeded", "UpdateSecret", "UpdateSecretVersionStage"]
      }
    })
  }
  # As texts, for patterns of different shapes are of different types.
  patterns = merge(
    { for name, pattern in local.always : name => jsonencode(pattern) },
    { for name, pattern in local.lifecycle_events : name => jsonencode(pattern) if var.cloud_trail_events != "none" },
    { for name, pattern in local.value_events : name => jsonencode(pattern) if var.cloud_trail_events == "all" },
  )
}

# --- Events

resource "aws_cloudwatch_event_rule" "pawl" {
  for_each      = local.patterns
  name_prefix   = "pawl-${each.key}-"
  description   = "Tells Pawl what changes in stores."
  event_pattern = each.value
}

resource "aws_cloudwatch_event_target" "pawl" {
  for_each = local.patterns
  rule     = aws_cloudwatch_event_rule.pawl[each.key].name
  arn      = local.bus
  role_arn = aws_iam_role.forwarder.arn
  dead_letter_config { arn = aws_sqs_queue.undelivered.arn }
}

resource "aws_iam_role" "forwarder" {
  name_prefix          = "pawl-forwarder-"
  description          = "Puts events on Pawl's bus."
  permissions_boundary = local.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "forwarder" {
  name = "own"
  role = aws_iam_role.forwarder.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "events:PutEvents", Resource = local.bus }]
  })
}

# What Pawl's bus did not take, with the reason in each message's attributes. The sweep finds what these events told of.
resource "aws_sqs_queue" "undelivered" {
  name_prefix               = "pawl-undelivered-"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTheRulesAbove"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.undelivered.arn
      Condition = { ArnEquals = { "aws:SourceArn" = [for rule in aws_cloudwatch_event_rule.pawl : rule.arn] } }
    }]
  })
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  alarm_name          = "${aws_sqs_queue.undelivered.name}-waits"
  alarm_description   = "Events that Pawl's bus did not take. Attributes of each message say why; most often a permission. The sweep finds the changes."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.undelivered.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.topics
}

# --- Roles

resource "aws_iam_role" "store" {
  count                = local.makes_roles && (var.readable_secrets != "" || var.readable_parameters != "") ? 1 : 0
  name                 = var.store_role_name
  description          = "With it Pawl reads the secrets and parameters of this account."
  permissions_boundary = local.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { AWS = "${local.iam}::${var.pawl_account}:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = [for name, arn in local.pawl_roles : arn if name != "index"] } }
    }]
  })
}

resource "aws_iam_role_policy" "store" {
  count = length(aws_iam_role.store)
  name  = "values"
  role  = aws_iam_role.store[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      # Lists cannot be narrowed. They show names, versions, dates and tags; BatchGetSecretValue needs GetSecretValue for each value.
      var.readable_secrets == "" ? [] : [
        {
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = ["arn:${local.partition}:secretsmanager:*:${local.account}:secret:${var.readable_secrets}"]
        },
        { Effect = "Allow", Action = ["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"], Resource = ["*"] },
      ],
      var.readable_parameters == "" ? [] : [
        {
          Effect   = "Allow"
          Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:ListTagsForResource"]
          Resource = ["arn:${local.partition}:ssm:*:${local.account}:parameter/${var.readable_parameters}"]
        },
        { Effect = "Allow", Action = ["ssm:DescribeParameters"], Resource = ["*"] },
      ],
      length(var.decryptable_keys) == 0 ? [] : [{
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.decryptable_keys
        Condition = { StringLike = { "kms:ViaService" = [
          "secretsmanager.*.${data.aws_partition.here.dns_suffix}",
          "ssm.*.${data.aws_partition.here.dns_suffix}",
        ] } }
      }],
    )
  })
}

resource "aws_iam_role" "cluster" {
  count                = local.makes_roles ? 1 : 0
  name                 = var.cluster_role_name
  description          = "Pawl as the EKS clusters of this account know it. What it may do in them is up to their access entries."
  permissions_boundary = local.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "${local.iam}::${var.pawl_account}:root" }
      Condition = { ArnEquals = { "aws:PrincipalArn" = values(local.pawl_roles) } }
    }]
  })
}

resource "aws_iam_role_policy" "cluster" {
  count = length(aws_iam_role.cluster)
  name  = "clusters"
  role  = aws_iam_role.cluster[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "eks:DescribeCluster", Resource = "arn:${local.partition}:eks:*:${local.account}:cluster/*" }]
  })
}

# --- Clusters

resource "aws_eks_access_entry" "pawl" {
  for_each          = var.clusters
  cluster_name      = each.value
  principal_arn     = local.cluster_role
  type              = "STANDARD"
  kubernetes_groups = [var.kubernetes_group]
  depends_on        = [aws_iam_role.cluster]
}
