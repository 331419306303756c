-- Where an item comes from when it is not in stock: bought or made, and how long that takes.
ALTER TABLE item
    ADD COLUMN procurement text NOT NULL DEFAULT 'buy' CHECK (procurement IN ('buy', 'make')),
    ADD COLUMN lead_days integer CONSTRAINT item_lead_days CHECK (lead_days BETWEEN 0 AND 3650);
COMMENT ON COLUMN item.procurement IS 'Procurement: bought from suppliers or made by ourselves';
COMMENT ON COLUMN item.lead_days IS 'Lead time: in working days, where no supplier and no routing says it';
COMMENT ON CONSTRAINT item_lead_days ON item IS 'A lead time is between 0 and 3650 days';
