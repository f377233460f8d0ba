"""A line chart as SVG text, for reports: several series of points, labelled axes, nothing else."""

from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 20, 50
COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#787774", "#d44c47")


def _ticks(low, high, about=6):
    """Round numbers from `low` to `high`."""
    step = 10.0 ** len(str(int((high - low) / about))) / 10 if high - low > about else 1.0
    while (high - low) / step < about / 2:
        step /= 2
    while (high - low) / step > about * 1.5:
        step *= 2
    first = int(low / step) * step
    ticks = [first + i * step for i in range(int((high - first) / step) + 1)]
    return [tick for tick in ticks if low <= tick <= high]


def line_chart(series, x_label, y_label, x_range, y_range):
    """series: name -> [(x, y), …], in drawing order; points outside of y_range are drawn at its edge."""

    def at(x, y):
        y = min(max(y, y_range[0]), y_range[1])
        across = (x - x_range[0]) / (x_range[1] - x_range[0])
        up = (y - y_range[0]) / (y_range[1] - y_range[0])
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" '
        'font-size="12">' % (WIDTH, HEIGHT),
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for x in _ticks(*x_range):
        px, bottom = at(x, y_range[0])
        parts.append('<path d="M%.1f %.1fV%d" stroke="#ddd"/>' % (px, bottom, TOP))
        parts.append(
            '<text x="%.1f" y="%.1f" text-anchor="middle">%g</text>' % (px, bottom + 16, x)
        )
    for y in _ticks(*y_range):
        left, py = at(x_range[0], y)
        parts.append('<path d="M%.1f %.1fH%d" stroke="#ddd"/>' % (left, py, WIDTH - RIGHT))
        parts.append(
            '<text x="%.1f" y="%.1f" text-anchor="end">%g</text>' % (left - 6, py + 4, y)
        )
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        '<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
        % (middle_x, HEIGHT - 12, escape(x_label))
    )
    parts.append(
        '<text x="16" y="%.1f" text-anchor="middle" transform="rotate(-90 16 %.1f)">%s</text>'
        % (middle_y, middle_y, escape(y_label))
    )
    for i, (name, points) in enumerate(series.items()):
        colour, placed = COLOURS[i % len(COLOURS)], [at(*point) for point in points]
        line = " ".join("%.1f,%.1f" % point for point in placed)
        parts.append('<polyline points="%s" fill="none" stroke="%s"/>' % (line, colour))
        parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (*p, colour) for p in placed]
        top = TOP + 8 + 20 * i
        parts.append('<circle cx="%d" cy="%d" r="3" fill="%s"/>' % (WIDTH - RIGHT + 14, top, colour))
        parts.append(
            '<text x="%d" y="%d">%s</text>' % (WIDTH - RIGHT + 24, top + 4, escape(name))
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
