-- title: The digits of every currency are those that amounts are checked with
SELECT code, scale, currency_scale(code) AS checked FROM currency WHERE scale <> currency_scale(code)
