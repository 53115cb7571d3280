// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.race;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The picture of a race: the loss so far of each entrant against the examples and against the processor time, with the
 * naive predictors dashed. SVG without a script, a style sheet or anything else from outside.
 */
public final class RacePicture {
    private static final int WIDTH = 1040;
    private static final int HEIGHT = 470;
    private static final int PANEL = 400;
    private static final int TOP = 50;
    private static final int BOTTOM = 340;
    private static final int LEFT = 70;
    private static final int SECOND = 570;
    private static final int LEGEND = 400;
    private static final int PER_ROW = 5;

    /** The first part of the stream, where losses so far are large, does not set the scale. */
    private static final double SETTLED = 0.1;

    private static final double MARGIN = 0.04;

    /** Distinguishable without green against red. */
    private static final List<String> COLOURS = List.of(
            "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#6a3d9a", "#444444", "#a6611a",
            "#e7298a");

    private static final String NAIVE = "#999999";

    private final RaceResult race;
    private final double least;
    private final double most;
    private final StringBuilder svg = new StringBuilder();

    private RacePicture(RaceResult race) {
        this.race = race;
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        double cap = 1.3 * Math.min(race.noChange(), race.prior());
        for (Finish finish : race.best()) {
            for (Lap lap : finish.laps()) {
                if (lap.examples() >= SETTLED * race.examples() && Double.isFinite(lap.loss())) {
                    low = Math.min(low, lap.loss());
                    high = Math.max(high, Math.min(cap, lap.loss()));
                }
            }
        }
        low = Math.min(low, Math.min(race.noChange(), race.prior()));
        high = Math.max(high, Math.min(race.noChange(), race.prior()));
        double margin = Math.max(MARGIN * (high - low), 1e-9);
        this.least = low - margin;
        this.most = high + margin;
    }

    /** One {@code svg} element. */
    public static String svg(RaceResult race) {
        return new RacePicture(race).draw();
    }

    /** A page with the picture and the table. */
    public static String html(RaceResult race) {
        StringBuilder page = new StringBuilder(4096);
        page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Race on ")
                .append(escape(race.dataset()))
                .append("</title>\n<style>body{font-family:sans-serif;max-width:66em;margin:2em auto;padding:0 1em}")
                .append("svg{width:100%;height:auto}table{border-collapse:collapse}")
                .append("td,th{padding:.3em .8em;text-align:right;border-bottom:1px solid #ddd}")
                .append("td:first-child,th:first-child{text-align:left}</style>\n</head>\n<body>\n<h1>Race on ")
                .append(escape(race.dataset()))
                .append("</h1>\n<p>")
                .append(String.format(Locale.ROOT, "%,d", race.examples()))
                .append(" examples, each predicted before it was learned. Loss: ")
                .append(escape(race.metric()))
                .append(", smaller is better.</p>\n")
                .append(svg(race))
                .append("\n<table>\n<tr><th>learner</th><th>learning rate</th><th>whole stream</th>")
                .append("<th>last quarter</th><th>CPU s</th></tr>\n");
        for (Finish finish : race.best()) {
            row(
                    page,
                    finish.name(),
                    number(finish.learningRate()),
                    finish.loss(),
                    finish.lossLastQuarter(),
                    String.format(Locale.ROOT, "%.2f", finish.cpuSeconds()));
        }
        row(page, "no-change", "", race.noChange(), race.noChangeLastQuarter(), "");
        row(page, prior(race), "", race.prior(), race.priorLastQuarter(), "");
        return page.append("</table>\n</body>\n</html>\n").toString();
    }

    private static void row(StringBuilder page, String name, String rate, double whole, double last, String cpu) {
        page.append("<tr><td>")
                .append(escape(name))
                .append("</td><td>")
                .append(rate)
                .append("</td><td>")
                .append(loss(whole))
                .append("</td><td>")
                .append(loss(last))
                .append("</td><td>")
                .append(cpu)
                .append("</td></tr>\n");
    }

    static String prior(RaceResult race) {
        return race.metric().equals("logLoss") ? "majority" : "running mean";
    }

    private String draw() {
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ")
                .append(WIDTH)
                .append(' ')
                .append(HEIGHT)
                .append("\" font-family=\"sans-serif\" font-size=\"13\">\n")
                .append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
        text(WIDTH / 2, 24, "middle", 16, race.dataset() + ": " + race.metric() + " so far, smaller is better");
        double seconds =
                race.best().stream().mapToDouble(Finish::cpuSeconds).max().orElse(1);
        panel(LEFT, "examples", race.examples(), Lap::examples, false);
        panel(SECOND, "CPU seconds", seconds, Lap::cpuSeconds, true);
        legend();
        return svg.append("</svg>").toString();
    }

    private void panel(int x, String title, double range, ToDoubleFunction<Lap> position, boolean byTime) {
        svg.append("<clipPath id=\"clip")
                .append(x)
                .append(String.format(
                        Locale.ROOT,
                        "\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>%n",
                        x,
                        TOP,
                        PANEL,
                        BOTTOM - TOP));
        for (double tick : ticks(least, most)) {
            double y = y(tick);
            line(x, y, x + PANEL, y, "#e4e4e4", "");
            text(x - 8, y + 4, "end", 12, number(tick));
        }
        for (double tick : ticks(0, range)) {
            double at = x + PANEL * tick / range;
            line(at, BOTTOM, at, BOTTOM + 5, "#888888", "");
            text(at, BOTTOM + 19, "middle", 12, count(tick));
        }
        line(x, BOTTOM, x + PANEL, BOTTOM, "#888888", "");
        text(x + PANEL / 2, BOTTOM + 38, "middle", 13, title);
        if (!race.best().isEmpty()) {
            List<Lap> laps = race.best().get(0).laps();
            if (byTime) {
                flat(x, race.noChange(), "6 4");
                flat(x, race.prior(), "2 3");
            } else {
                curve(x, laps, range, position, Lap::noChange, NAIVE, "6 4");
                curve(x, laps, range, position, Lap::prior, NAIVE, "2 3");
            }
        }
        for (int i = race.best().size() - 1; i >= 0; i--) {
            curve(x, race.best().get(i).laps(), range, position, Lap::loss, colour(i), "");
        }
    }

    private void flat(int x, double loss, String dashes) {
        if (loss <= most) {
            line(x, y(loss), x + PANEL, y(loss), NAIVE, dashes);
        }
    }

    private void curve(
            int x,
            List<Lap> laps,
            double range,
            ToDoubleFunction<Lap> position,
            ToDoubleFunction<Lap> loss,
            String colour,
            String dashes) {
        svg.append("<polyline clip-path=\"url(#clip")
                .append(x)
                .append(")\" fill=\"none\" stroke=\"")
                .append(colour);
        svg.append("\" stroke-width=\"1.8\" stroke-linejoin=\"round\"");
        if (!dashes.isEmpty()) {
            svg.append(" stroke-dasharray=\"").append(dashes).append('"');
        }
        svg.append(" points=\"");
        for (Lap lap : laps) {
            double value = loss.applyAsDouble(lap);
            if (Double.isFinite(value)) {
                // A point far outside would only make the file longer.
                double y = Math.max(TOP - 100.0, y(value));
                svg.append(
                        String.format(Locale.ROOT, "%.1f,%.1f ", x + PANEL * position.applyAsDouble(lap) / range, y));
            }
        }
        svg.append("\"/>\n");
    }

    private void legend() {
        List<String> names = new ArrayList<>();
        race.best().forEach(finish -> names.add(finish.name() + " " + loss(finish.loss())));
        names.add("no-change " + loss(race.noChange()));
        names.add(prior(race) + " " + loss(race.prior()));
        for (int i = 0; i < names.size(); i++) {
            int x = LEFT + i % PER_ROW * 190;
            int y = LEGEND + i / PER_ROW * 20;
            int naive = i - race.best().size();
            line(x, y - 4, x + 24, y - 4, naive < 0 ? colour(i) : NAIVE, naive < 0 ? "" : naive == 0 ? "6 4" : "2 3");
            text(x + 30, y, "start", 13, names.get(i));
        }
    }

    private static String colour(int index) {
        return COLOURS.get(index % COLOURS.size());
    }

    private double y(double loss) {
        return BOTTOM - (BOTTOM - TOP) * (loss - least) / (most - least);
    }

    /** About five round numbers. */
    private static List<Double> ticks(double from, double to) {
        double rough = (to - from) / 5;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
        List<Double> ticks = new ArrayList<>();
        for (double i = Math.ceil(from / step); i * step <= to; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    private void line(double x1, double y1, double x2, double y2, String colour, String dashes) {
        svg.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"",
                x1,
                y1,
                x2,
                y2,
                colour));
        svg.append(
                dashes.isEmpty()
                        ? " stroke-width=\"1.4\""
                        : " stroke-width=\"1.8\" stroke-dasharray=\"" + dashes + "\"");
        svg.append("/>\n");
    }

    private void text(double x, double y, String anchor, int size, String words) {
        svg.append(String.format(
                        Locale.ROOT,
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"#222222\">",
                        x,
                        y,
                        anchor,
                        size))
                .append(escape(words))
                .append("</text>\n");
    }

    static String loss(double value) {
        return String.format(Locale.ROOT, value >= 100 ? "%.1f" : "%.4f", value);
    }

    static String number(double value) {
        double rounded = Double.parseDouble(String.format(Locale.ROOT, "%.3g", value));
        return rounded == Math.rint(rounded) && Math.abs(rounded) < 1e6
                ? Long.toString((long) rounded)
                : Double.toString(rounded);
    }

    private static String count(double value) {
        return value >= 1000 ? number(value / 1000) + "k" : number(value);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
