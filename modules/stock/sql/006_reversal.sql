-- A movement that is taken back, a return whose cost is that of its delivery, and what a count
-- needs to stay true when something is booked before it (valuation.sql, reversal.sql).
ALTER TABLE stock_move
    ADD COLUMN reverses_move_id bigint,
    ADD COLUMN follows_line_id bigint,
    ADD CONSTRAINT stock_move_reverses FOREIGN KEY (company_id, reverses_move_id) REFERENCES stock_move (company_id, id),
    ADD CONSTRAINT stock_move_follows FOREIGN KEY (company_id, follows_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id);
CREATE UNIQUE INDEX stock_move_reversed_once ON stock_move (reverses_move_id) WHERE reverses_move_id IS NOT NULL;
CREATE INDEX stock_move_follows_line ON stock_move (follows_line_id) WHERE follows_line_id IS NOT NULL;
CREATE INDEX stock_move_following ON stock_move (company_id, item_id, moved_on, id) WHERE follows_line_id IS NOT NULL;
COMMENT ON INDEX stock_move_reversed_once IS 'This movement is reversed already';
COMMENT ON COLUMN stock_move.reverses_move_id IS 'Reverses: the movement that this one takes back';
COMMENT ON COLUMN stock_move.follows_line_id IS 'Costs what left by: the delivery line whose cost the returned goods have, also when it changes later';
UPDATE table_kind SET guarded = guarded || '{follows_line_id}' WHERE name = 'stock_move';

ALTER TABLE stock_value DROP CONSTRAINT stock_value_reason_check;
ALTER TABLE stock_value ADD CONSTRAINT stock_value_reason_check CHECK (reason IN ('move', 'revaluation', 'reversal'));
COMMENT ON COLUMN stock_value.reason IS 'Reason: the movement itself, its reversal, or a re-valuation after another one was booked before it';

CREATE INDEX ON stock_count_line (company_id, item_id, location_id) WHERE counted IS NOT NULL;
COMMENT ON COLUMN stock_count_line.expected IS 'Expected: what the books say for the day of the count; what is booked before that day later moves it';

INSERT INTO permission (role_id, entity, action) SELECT id, 'report', 'revaluations' FROM role WHERE code = 'warehouse';
