-- Goods that wait for their inspection have a place of their own in every warehouse; a lot is
-- held for a reason.
INSERT INTO location (company_id, warehouse_id, parent_id, kind, code, name, name_zh, quarantine)
SELECT w.company_id, w.id, r.id, 'internal',
       w.code || '-QC' || CASE WHEN EXISTS (SELECT FROM location l WHERE l.company_id = w.company_id AND l.code = w.code || '-QC')
                               THEN w.id::text ELSE '' END,
       'Quarantine', '待检区', true
  FROM warehouse w JOIN location r ON r.warehouse_id = w.id AND r.parent_id IS NULL
 WHERE NOT EXISTS (SELECT FROM location l WHERE l.warehouse_id = w.id AND l.quarantine);

UPDATE lot SET held_reason = '?' WHERE held AND held_reason IS NULL;
ALTER TABLE lot ADD CONSTRAINT lot_held_why CHECK (NOT held OR coalesce(held_reason, '') <> ''),
                ADD CONSTRAINT lot_dates CHECK (expires_on >= made_on);
COMMENT ON CONSTRAINT lot_held_why ON lot IS 'Say why the lot is held';
COMMENT ON CONSTRAINT lot_dates ON lot IS 'A lot does not expire before it is made';
CREATE INDEX reservation_lot ON reservation (lot_id) WHERE lot_id IS NOT NULL;
CREATE INDEX stock_move_lot ON stock_move (lot_id) WHERE lot_id IS NOT NULL;
