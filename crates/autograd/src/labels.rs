//! Names of slots, kept in one string so that naming allocates nothing once the string has grown.

/// A name: a range of the text of [`Labels`]; empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    start: usize,
    end: usize,
}

/// The text of all labels of a step, and the stack of open scopes.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    text: String,
    scopes: Vec<Label>,
}

impl Labels {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.scopes.clear();
    }

    /// The innermost open scope.
    pub(crate) fn current(&self) -> Label {
        self.scopes.last().copied().unwrap_or_default()
    }

    pub(crate) fn enter(&mut self, name: &str) {
        let label = self.join(name);
        self.scopes.push(label);
    }

    pub(crate) fn leave(&mut self) -> bool {
        self.scopes.pop().is_some()
    }

    /// `name` below the innermost open scope.
    pub(crate) fn join(&mut self, name: &str) -> Label {
        let scope = self.current();
        let start = self.text.len();
        if scope != Label::default() {
            self.text.extend_from_within(scope.start..scope.end);
            self.text.push('.');
        }
        self.text.push_str(name);
        Label { start, end: self.text.len() }
    }

    pub(crate) fn get(&self, label: Label) -> Option<&str> {
        (label.start < label.end).then(|| &self.text[label.start..label.end])
    }
}
