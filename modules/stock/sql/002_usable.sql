-- What of the stock may be promised and shipped: not what waits for its inspection, is held
-- or has expired (view stock_usable).
ALTER TABLE location ADD COLUMN quarantine boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN location.quarantine IS 'Quarantine: what lies here is neither promised nor shipped before it is released';
ALTER TABLE location ADD CONSTRAINT location_quarantine_inside CHECK (NOT quarantine OR kind = 'internal');
COMMENT ON CONSTRAINT location_quarantine_inside ON location IS 'Only a location in a warehouse can be a quarantine';

ALTER TABLE lot
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN held_reason text;
COMMENT ON COLUMN lot.held IS 'Held: neither promised nor shipped until it is released';
COMMENT ON COLUMN lot.held_reason IS 'Held because';
CREATE INDEX stock_balance_there ON stock_balance (company_id, item_id) WHERE on_hand <> 0;
