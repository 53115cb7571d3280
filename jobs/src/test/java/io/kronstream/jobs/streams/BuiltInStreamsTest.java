// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.learner.Numeric;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BuiltInStreamsTest {
    private static final int ROWS = 400_000;
    /** Five standard deviations of a share near 0.9 over 400,000 examples: 5 sqrt(0.09 / 400,000). */
    private static final double SHARE_TOLERANCE = 0.0024;

    static List<String> names() {
        return BuiltInStreams.names();
    }

    @Test
    void namesAreKnown() {
        assertThat(BuiltInStreams.names()).containsExactly("sea", "hyperplane", "sea-keys");
        assertThat(BuiltInStreams.byName("no such stream")).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("names")
    void rowsAreAFunctionOfTheSeed(String name) {
        assertThat(first(name, 7, 1000)).isEqualTo(first(name, 7, 1000)).isNotEqualTo(first(name, 8, 1000));
    }

    @ParameterizedTest
    @MethodSource("names")
    void rowsFitTheSchema(String name) {
        BuiltInStream stream = stream(name);
        assertThat(stream.name()).isEqualTo(name);
        assertThat(stream.schema().problems()).isEmpty();
        List<String> columns = stream.schema().columns();
        long time = Row.START_MILLIS;
        for (String row : first(name, 1, 1000)) {
            Map<String, String> fields = fields(columns, row);
            assertThat(fields.get("time")).isEqualTo(Long.toString(time));
            assertThat(fields.get("label")).isIn("0", "1");
            for (Numeric column : stream.schema().numeric()) {
                assertThat(fields.get(column.column())).matches("-?\\d+\\.\\d{4}");
            }
            time += 1000;
        }
    }

    @Test
    void theTrueRuleReachesSeasBestAccuracyInEveryConcept() {
        Iterator<String> rows = stream("sea").rows(3);
        List<String> columns = stream("sea").schema().columns();
        Set<Double> thetas = new HashSet<>();
        int concept = SeaStream.CONCEPT_LENGTH;
        for (int start = 0; start < ROWS; start += concept) {
            int right = 0;
            double theta = SeaStream.theta(start, 0);
            thetas.add(theta);
            for (int i = 0; i < concept; i++) {
                Map<String, String> fields = fields(columns, rows.next());
                boolean rule = number(fields, "x1") + number(fields, "x2") <= theta + 1e-9;
                right += rule == fields.get("label").equals("1") ? 1 : 0;
            }
            assertThat((double) right / concept)
                    .isCloseTo(stream("sea").bestAccuracy(), within(SHARE_TOLERANCE * Math.sqrt(8)));
        }
        assertThat(thetas).containsExactlyInAnyOrder(8.0, 9.5, 7.0, 9.0);
    }

    @Test
    void everyShopHasItsOwnConcept() {
        BuiltInStream stream = stream("sea-keys");
        Iterator<String> rows = stream.rows(3);
        Map<String, Integer> visits = new HashMap<>();
        int right = 0;
        for (int i = 0; i < ROWS; i++) {
            Map<String, String> fields = fields(stream.schema().columns(), rows.next());
            String shop = fields.get("shop");
            visits.merge(shop, 1, Integer::sum);
            int number = Integer.parseInt(shop.substring("shop-".length())) - 1;
            boolean rule = number(fields, "x1") + number(fields, "x2") <= SeaStream.theta(i, number) + 1e-9;
            right += rule == fields.get("label").equals("1") ? 1 : 0;
        }
        assertThat((double) right / ROWS).isCloseTo(stream.bestAccuracy(), within(SHARE_TOLERANCE));
        assertThat(visits).hasSize(SeaStream.SHOPS);
        assertThat(visits.values()).allMatch(count -> Math.abs(count - ROWS / SeaStream.SHOPS) < ROWS / 200);
    }

    @Test
    void theTrueRuleReachesTheHyperplanesBestAccuracy() {
        BuiltInStream stream = stream("hyperplane");
        Iterator<String> rows = stream.rows(3);
        HyperplaneStream.Plane plane = new HyperplaneStream.Plane(3);
        int right = 0;
        int ones = 0;
        for (int i = 0; i < ROWS; i++) {
            Map<String, String> fields = fields(stream.schema().columns(), rows.next());
            double[] w = plane.weights(i);
            double margin = 0;
            double previous = 0;
            for (int j = 0; j < HyperplaneStream.INPUTS; j++) {
                double x = number(fields, "x" + (j + 1));
                double u = j == 0 ? x : (x - HyperplaneStream.CORRELATION * previous) / HyperplaneStream.INNOVATION;
                margin += w[j] * u;
                previous = x;
            }
            boolean label = fields.get("label").equals("1");
            right += (margin > 0) == label ? 1 : 0;
            ones += label ? 1 : 0;
        }
        assertThat((double) right / ROWS).isCloseTo(stream.bestAccuracy(), within(SHARE_TOLERANCE));
        assertThat((double) ones / ROWS).isCloseTo(0.5, within(2 * SHARE_TOLERANCE));
    }

    @Test
    void theHyperplaneTurnsOnceAround() {
        HyperplaneStream.Plane plane = new HyperplaneStream.Plane(5);

        assertThat(cosine(plane, HyperplaneStream.TURN)).isCloseTo(1, within(1e-12));
        assertThat(cosine(plane, HyperplaneStream.TURN / 4)).isCloseTo(0, within(1e-12));
        assertThat(cosine(plane, HyperplaneStream.TURN / 2)).isCloseTo(-1, within(1e-12));
    }

    /** Between the weights at the start and later; both are unit vectors. */
    private static double cosine(HyperplaneStream.Plane plane, long later) {
        double[] a = plane.weights(0);
        double[] b = plane.weights(later);
        double sum = 0;
        for (int j = 0; j < a.length; j++) {
            sum += a[j] * b[j];
        }
        return sum;
    }

    private static BuiltInStream stream(String name) {
        return BuiltInStreams.byName(name).orElseThrow();
    }

    private static List<String> first(String name, long seed, int count) {
        Iterator<String> rows = stream(name).rows(seed);
        List<String> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            list.add(rows.next());
        }
        return list;
    }

    private static Map<String, String> fields(List<String> columns, String row) {
        String[] values = row.split(",", -1);
        assertThat(values).hasSize(columns.size());
        Map<String, String> fields = new HashMap<>();
        for (int i = 0; i < values.length; i++) {
            fields.put(columns.get(i), values[i]);
        }
        return fields;
    }

    private static double number(Map<String, String> fields, String column) {
        return Double.parseDouble(fields.get(column));
    }
}
