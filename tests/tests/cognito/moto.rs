//! The same journeys against another implementation of Cognito, Python's moto, a server of which `LATCHKEY_SECOND_OPINION` names
//! (`.ci/run moto` starts one).
