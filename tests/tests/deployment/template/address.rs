//! The URL of the stack: API Gateway's, a domain of the owner, or such a domain behind CloudFront.

use serde_json::{Value, json};
use tests::template::Template;

const ORIGIN: &str = "https://id.example.com";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn resource(template: &Template, name: &str) -> Value {
    let resource = &template.root()["Resources"][name];
    assert!(template.exists(resource), "{name}");
    template.resolve(&resource["Properties"])
}

fn with_domain() -> Template {
    Template::load().given("Origin", ORIGIN).given("CertificateArn", "arn:of:acm")
}

fn with_cloudfront() -> Template {
    let template = with_domain().given("CloudFront", "true").given("CloudFrontCertificateArn", "arn:of:acm:us-east-1");
    template.given("OriginSecret", SECRET)
}

/// Whether CloudFormation accepts these parameters together.
fn is_accepted(template: &Template) -> bool {
    template.root()["Rules"].as_object().unwrap().values().all(|rule| {
        let mut assertions = rule["Assertions"].as_array().unwrap().iter();
        !template.is_true(&rule["RuleCondition"]) || assertions.all(|assertion| template.is_true(&assertion["Assert"]))
    })
}

fn count_resources<'a>(template: &'a Template, kind: &'a str) -> usize {
    template.of_type(kind).filter(|(_, resource)| template.exists(resource)).count()
}

#[test]
fn by_default_api_gateway_sets_the_url() {
    let template = Template::load();
    assert!(is_accepted(&template));
    for kind in ["AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping", "AWS::CloudFront::Distribution"] {
        assert_eq!(count_resources(&template, kind), 0, "{kind}");
    }
    assert_eq!(resource(&template, "Api")["DisableExecuteApiEndpoint"], false);
    assert_eq!(template.resolve(&template.root()["Outputs"]["Issuer"]["Value"]), "Api.ApiEndpoint");
}

#[test]
fn a_certificate_adds_the_host_of_the_origin_and_disables_the_default_one() {
    let template = with_domain();
    assert!(is_accepted(&template));
    assert_eq!(resource(&template, "Domain")["DomainName"], "id.example.com");
    assert_eq!(resource(&template, "Domain")["DomainNameConfigurations"][0]["SecurityPolicy"], "TLS_1_2");
    assert_eq!(resource(&template, "DomainMapping"), json!({ "ApiId": "Api", "DomainName": "Domain", "Stage": "Stage" }));
    assert_eq!(resource(&template, "Api")["DisableExecuteApiEndpoint"], true);
    let output = |name: &str| template.resolve(&template.root()["Outputs"][name]["Value"]);
    assert_eq!(output("Discovery"), "https://id.example.com/.well-known/openid-configuration");
    assert_eq!(output("NextDomain"), "Domain.RegionalDomainName");
    assert_eq!(count_resources(&template, "AWS::CloudFront::Distribution"), 0);
    assert!(!is_accepted(&Template::load().given("CertificateArn", "arn:of:acm")), "a certificate without a host");
}

#[test]
fn cloudfront_forwards_everything_and_adds_the_address_of_the_caller() {
    let template = with_cloudfront();
    assert!(is_accepted(&template));
    let policy = resource(&template, "ViewerRequest")["OriginRequestPolicyConfig"].clone();
    // All headers, so the host too: it is the API's own host, and cookies and redirects are right.
    let headers = json!({ "HeaderBehavior": "allViewerAndWhitelistCloudFront", "Headers": ["CloudFront-Viewer-Address"] });
    assert_eq!(policy["HeadersConfig"], headers);
    assert_eq!(
        (&policy["CookiesConfig"]["CookieBehavior"], &policy["QueryStringsConfig"]["QueryStringBehavior"]),
        (&json!("all"), &json!("all"))
    );
    let distribution = resource(&template, "Distribution")["DistributionConfig"].clone();
    assert_eq!(distribution["Aliases"], json!(["id.example.com"]));
    assert_eq!(distribution["ViewerCertificate"]["MinimumProtocolVersion"], "TLSv1.2_2021");
    let origins = distribution["Origins"].as_array().unwrap();
    assert_eq!(origins.len(), 1);
    assert_eq!(origins[0]["DomainName"], "Domain.RegionalDomainName");
    assert_eq!(origins[0]["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only");
    assert_eq!(origins[0]["OriginCustomHeaders"], json!([{ "HeaderName": "x-latchkey-origin", "HeaderValue": SECRET }]));
    let behavior = &distribution["DefaultCacheBehavior"];
    assert!(distribution.get("CacheBehaviors").is_none(), "one behavior for all paths");
    assert_eq!(
        behavior["CachePolicyId"], "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "CachingDisabled: no answer is anybody else's"
    );
    assert_eq!(behavior["OriginRequestPolicyId"], "ViewerRequest");
    assert_eq!(behavior["ViewerProtocolPolicy"], "redirect-to-https");
    assert_eq!(behavior["AllowedMethods"].as_array().unwrap().len(), 7);
}

#[test]
fn cloudfront_has_the_secret_and_the_functions_have_its_hash() {
    // security 115, 142
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let template = with_cloudfront().given("OriginSecretSha256", hash);
    assert!(is_accepted(&template));
    let variables = template.resolve(&template.root()["Globals"]["Function"]["Environment"]["Variables"]);
    assert_eq!(variables["LATCHKEY_ORIGIN_SECRET_SHA256"], hash);
    let secret = &template.root()["Parameters"]["OriginSecret"];
    assert_eq!(secret["NoEcho"], true);
    let holders: Vec<&str> =
        template.resources().filter(|(_, of)| of.to_string().contains(r#""OriginSecret""#)).map(|(name, _)| name).collect();
    assert_eq!(holders, ["Distribution"]);
    for part in ["Globals", "Outputs", "Metadata"] {
        assert!(part == "Metadata" || !template.root()[part].to_string().contains(r#""OriginSecret""#), "{part}");
    }
}

#[test]
fn an_incomplete_configuration_is_refused_before_any_change() {
    for missing in ["Origin", "CertificateArn", "CloudFrontCertificateArn", "OriginSecret"] {
        assert!(!is_accepted(&with_cloudfront().given(missing, "")), "CloudFront without {missing}");
    }
    // The functions require the secret and no proxy sends it: every request would be refused.
    assert!(!is_accepted(&with_domain().given("OriginSecretSha256", &"0".repeat(64))));
}
