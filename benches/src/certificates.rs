//! The certificates of the arms that are not Bulkhead: of the same type and depth as Bulkhead's.
