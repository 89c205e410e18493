//! What an autoencoder has to beat: principal components and neighbours. Scores are high where a row is strange.

mod lof;
mod neighbours;
mod pca;

pub use lof::Lof;
pub use neighbours::knn_scores;
pub use pca::Pca;

#[cfg(test)]
mod tests;
