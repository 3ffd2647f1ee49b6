#!/bin/sh
# The same as main.tf, with gcloud. Needs PROJECT; PUSH_ENDPOINT for push, or AWS_ACCOUNT and AWS_ROLE for pull from AWS; READER for
# who reads values. Making what is there already fails, so run the rest by hand then.
set -eu

: "${PROJECT:?the id of the project whose secrets are read}"
NUMBER=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')
PUBSUB="serviceAccount:service-$NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com"
gcloud config set project "$PROJECT"
gcloud services enable secretmanager.googleapis.com pubsub.googleapis.com logging.googleapis.com sts.googleapis.com \
  iamcredentials.googleapis.com

# Changes: every one of the project's secrets, by the audit log.
gcloud pubsub topics create pawl
gcloud logging sinks create pawl "pubsub.googleapis.com/projects/$PROJECT/topics/pawl" \
  --log-filter='logName:"cloudaudit.googleapis.com%2Factivity" AND protoPayload.serviceName="secretmanager.googleapis.com"'
gcloud pubsub topics add-iam-policy-binding pawl --role=roles/pubsub.publisher \
  --member="$(gcloud logging sinks describe pawl --format='value(writerIdentity)')"

# What was tried in vain stays for a person to look at, and each delivery is counted.
gcloud pubsub topics create pawl-dead
gcloud pubsub topics add-iam-policy-binding pawl-dead --role=roles/pubsub.publisher --member="$PUBSUB"
gcloud pubsub subscriptions create pawl-dead --topic=pawl-dead --message-retention-duration=7d --expiration-period=never

set -- --topic=pawl --ack-deadline=60 --message-retention-duration=7d --expiration-period=never \
  --min-retry-delay=10s --max-retry-delay=600s --dead-letter-topic=pawl-dead --max-delivery-attempts=100
if [ -n "${PUSH_ENDPOINT:-}" ]; then
  # Whom Pub/Sub pushes as. The account may do nothing else.
  PUSH="pawl-push@$PROJECT.iam.gserviceaccount.com"
  gcloud iam service-accounts create pawl-push --display-name='Shown to Pawl by Pub/Sub'
  gcloud iam service-accounts add-iam-policy-binding "$PUSH" --role=roles/iam.serviceAccountOpenIdTokenCreator --member="$PUBSUB"
  set -- "$@" --push-endpoint="$PUSH_ENDPOINT" --push-auth-service-account="$PUSH" \
    --push-auth-token-audience="${PUSH_AUDIENCE:-pawl}"
fi
gcloud pubsub subscriptions create pawl "$@"
gcloud pubsub subscriptions add-iam-policy-binding pawl --role=roles/pubsub.subscriber --member="$PUBSUB"

if [ -n "${AWS_ACCOUNT:-}" ]; then
  # Pull: the role of AWS that pawl serve runs with is trusted, and nothing is secret.
  : "${AWS_ROLE:?the name of the role that pawl serve runs with}"
  POOL="projects/$NUMBER/locations/global/workloadIdentityPools/pawl"
  gcloud iam workload-identity-pools create pawl --location=global
  gcloud iam workload-identity-pools providers create-aws aws --location=global --workload-identity-pool=pawl \
    --account-id="$AWS_ACCOUNT" --attribute-condition="attribute.aws_role in ['$AWS_ROLE']" \
    --attribute-mapping="google.subject=assertion.arn,attribute.aws_role=assertion.arn.extract('assumed-role/{role}/')"
  gcloud pubsub subscriptions add-iam-policy-binding pawl --role=roles/pubsub.subscriber \
    --member="principalSet://iam.googleapis.com/$POOL/attribute.aws_role/$AWS_ROLE"
  gcloud iam workload-identity-pools create-cred-config "$POOL/providers/aws" --aws --output-file=google.json
fi

if [ -n "${READER:-}" ]; then
  # Who reads values. Both roles may be bound at single secrets instead: gcloud secrets add-iam-policy-binding.
  gcloud projects add-iam-policy-binding "$PROJECT" --role=roles/secretmanager.secretAccessor --member="$READER" --condition=None
  gcloud projects add-iam-policy-binding "$PROJECT" --role=roles/secretmanager.viewer --member="$READER" --condition=None
fi
