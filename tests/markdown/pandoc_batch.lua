-- Converts many texts in one process, because pandoc takes a tenth of a second to start.
-- In: {"texts": [...], "from": format, "to": format} as JSON. Out: the converted texts, in the same order.
local job = pandoc.json.decode(io.read("a"), false)
local options = pandoc.WriterOptions({ highlight_method = "none", html_math_method = "mathjax", wrap_text = "none" })
local converted = {}
for place, text in ipairs(job.texts) do
  local ok, made = pcall(function() return pandoc.write(pandoc.read(text, job.from), job.to, options) end)
  converted[place] = ok and made or "<failed>" .. tostring(made) .. "</failed>"
end
io.write(pandoc.json.encode(converted))
