//! Tiles to features to heads to regions: training, calibration, metrics, FROC.
