"""A user pool of the local AWS with users, and the actions of an application and of the pool itself."""

import boto3

# Attributes for the fields of the demo's form without a standard attribute, and for the `sub` in a reverse migration.
CUSTOM = ("customer_type", "tier", "former_sub")


class UserPool:
    def __init__(self, name):
        self.cognito = boto3.client("cognito-idp")
        custom = [{"Name": attribute, "AttributeDataType": "String", "Mutable": True} for attribute in CUSTOM]
        rules = {"MinimumLength": 8} | {f"Require{kind}": False for kind in ("Lowercase", "Numbers", "Symbols", "Uppercase")}
        pool = self.cognito.create_user_pool(
            PoolName=name, UsernameAttributes=["email"], AutoVerifiedAttributes=["email"], Schema=custom,
            Policies={"PasswordPolicy": rules})["UserPool"]
        self.id, self.arn = pool["Id"], pool["Arn"]

    def app(self, name):
        """Creates an app client and returns its id."""
        return self.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName=name, ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
            PreventUserExistenceErrors="ENABLED")["UserPoolClient"]["ClientId"]

    def create_user(self, name):
        """Creates a confirmed user, as `Customer` of the tests describes it."""
        email, password = person(name)
        attributes = {"email": email, "email_verified": "true", "given_name": name, "family_name": "Quillfeather",
                      "custom:customer_type": "private", "custom:tier": "gold"}
        attributes = [{"Name": name, "Value": value} for name, value in attributes.items()]
        self.cognito.admin_create_user(UserPoolId=self.id, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS")
        self.cognito.admin_set_user_password(UserPoolId=self.id, Username=email, Password=password, Permanent=True)

    def access_token(self, name, app):
        """Signs the user in at the pool, and returns the access token for this app client."""
        email, password = person(name)
        answer = self.cognito.admin_initiate_auth(
            UserPoolId=self.id, ClientId=app, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password})
        return answer["AuthenticationResult"]["AccessToken"]

    def migration_event(self, source, email, password=None):
        """The event of the pool's user migration trigger, as Cognito sends it."""
        return {
            "version": "1", "triggerSource": f"UserMigration_{source}", "region": self.id.split("_")[0], "userPoolId": self.id,
            "userName": email, "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1app"},
            "request": {"password": password, "validationData": None, "userAttributes": None},
            "response": {"userAttributes": None, "finalUserStatus": None, "messageAction": None,
                         "desiredDeliveryMediums": None, "forceAliasCreation": None, "enableSMSMFA": None},
        }


def person(name):
    """The user's address and password."""
    return f"{name.lower()}@example.com", f"{name} rides 7 green bicycles"
