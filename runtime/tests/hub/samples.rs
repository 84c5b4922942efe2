//! Samples: catalogs, forms and demand.
