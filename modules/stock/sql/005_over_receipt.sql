-- More may arrive than was expected, as far as whoever ordered it accepts that: the module of
-- the order fills the tolerance, a quantity beside that of the line.
ALTER TABLE shipment_line ADD COLUMN over_tolerance quantity NOT NULL DEFAULT 0
    CONSTRAINT shipment_line_tolerance CHECK (over_tolerance >= 0);
UPDATE table_kind SET guarded = guarded || '{over_tolerance}' WHERE name = 'shipment_line';
COMMENT ON COLUMN shipment_line.over_tolerance IS 'Over-receipt: how much more than the quantity is accepted';
COMMENT ON CONSTRAINT shipment_line_tolerance ON shipment_line IS 'A tolerance is not negative';

ALTER TABLE shipment_line
    DROP CONSTRAINT shipment_line_done,
    ADD CONSTRAINT shipment_line_done CHECK (quantity_done >= 0 AND quantity_done <= quantity + over_tolerance),
    DROP CONSTRAINT shipment_line_reserved,
    ADD CONSTRAINT shipment_line_reserved CHECK (quantity_reserved = 0
        OR quantity_reserved > 0 AND quantity_done + quantity_reserved <= quantity);
COMMENT ON CONSTRAINT shipment_line_done ON shipment_line IS 'More than the quantity of the line cannot be moved';
COMMENT ON CONSTRAINT shipment_line_reserved ON shipment_line IS 'More is reserved or moved already than this quantity: release it first';
