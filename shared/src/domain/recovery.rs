//! Password recovery by mail: the flow graph has one edge, proof and new password together (security 88, 91, 92).
