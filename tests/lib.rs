//! What the law tests share.
