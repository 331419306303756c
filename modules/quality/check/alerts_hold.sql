-- title: The lot of an open alert is held
SELECT a.id, a.number, o.code FROM quality_alert a JOIN lot o ON o.id = a.lot_id WHERE a.state = 'open' AND NOT o.held
