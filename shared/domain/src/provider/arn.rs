//! Names of resources of AWS.

/// The parts of `arn:<partition>:<service>:<region>:<account>:<resource>` that matter here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arn<'a> {
    /// The service, such as `secretsmanager`.
    pub service: &'a str,
    /// The region, such as `eu-central-1`; empty for global services.
    pub region: &'a str,
    /// The account of twelve digits.
    pub account: &'a str,
    /// Everything behind the account: `secret:name-AbCdEf`, `parameter/a/b`, `role/name`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts of an ARN, or `None` if the text is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" || parts.next()?.is_empty() {
            return None;
        }
        let (service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (!service.is_empty() && !resource.is_empty()).then_some(Self { service, region, account, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_taken_apart() {
        let arn = Arn::parse("arn:aws-cn:iam::123456789012:role/a:b").unwrap();
        assert_eq!(
            (arn.service, arn.region, arn.account, arn.resource),
            ("iam", "", "123456789012", "role/a:b")
        );
        for text in ["", "arn", "arn:aws:s3", "name", "arn::s3:::x", "arn:aws:s3:::"] {
            assert_eq!(Arn::parse(text), None, "{text:?}");
        }
    }
}
