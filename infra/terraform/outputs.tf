output "store_role" {
  value       = one(aws_iam_role.store[*].arn)
  description = "For spec.provider.aws.role of stores and StoreRoles of Pawl's stack; null outside of role_region."
}

output "cluster_role" {
  value       = local.cluster_role
  description = "For spec.eks.role of Clusters and ClusterRoles of Pawl's stack."
}

output "undelivered" {
  value       = aws_sqs_queue.undelivered.url
  description = "Where events lie that Pawl's bus did not take."
}
