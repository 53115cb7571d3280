// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.kronstream.connectors.csv.CsvFile;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Task;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Decodes whole public data sets, if the system property {@code kronstream.data} says where they are. */
class RealFilesTest {
    private static final String NONE = null;

    /**
     * File, rows, rows without a model, task, label, mean of the labels, time, its first and last value, key, numeric,
     * categorical.
     */
    static List<Arguments> files() {
        return List.of(
                Arguments.of(
                        "ETTh1.csv",
                        17_420,
                        0,
                        Task.REGRESSION,
                        "OT",
                        13.3247,
                        "date",
                        "2016-07-01T00:00:00Z",
                        "2018-06-26T19:00:00Z",
                        NONE,
                        List.of("HUFL", "HULL"),
                        List.of()),
                Arguments.of(
                        "metro_traffic.csv.gz",
                        48_204,
                        0,
                        Task.REGRESSION,
                        "traffic_volume",
                        3259.8184,
                        "date_time",
                        "2012-10-02T09:00:00Z",
                        "2018-09-30T23:00:00Z",
                        NONE,
                        List.of("temp_kelvin", "rain_1h_mm"),
                        List.of("holiday", "weather_description")),
                Arguments.of(
                        "elec2.csv.gz",
                        45_312,
                        0,
                        Task.BINARY,
                        "price_up",
                        0.424545,
                        NONE,
                        NONE,
                        NONE,
                        NONE,
                        List.of("period", "nswprice", "transfer"),
                        List.of()),
                Arguments.of(
                        "open_bandit_ctr.csv.gz",
                        40_000,
                        0,
                        Task.BINARY,
                        "click",
                        0.005175,
                        "timestamp",
                        "2019-11-24T00:01:03.979Z",
                        "2019-11-30T23:59:21.586Z",
                        "campaign",
                        List.of("user_item_affinity"),
                        List.of("item_id", "user_feature_0")),
                Arguments.of(
                        "us_flights_2015.csv.gz",
                        48_532,
                        0,
                        Task.BINARY,
                        "delayed_15",
                        0.222348,
                        "sched_dep_time",
                        "2015-01-01T07:00:00Z",
                        "2015-12-31T21:25:00Z",
                        "carrier",
                        List.of("distance_miles"),
                        List.of("origin", "dest")),
                Arguments.of(
                        "goodbooks_ratings.csv.gz",
                        298_176,
                        0,
                        Task.REGRESSION,
                        "rating",
                        3.90464,
                        NONE,
                        NONE,
                        NONE,
                        NONE,
                        List.of("publication_year"),
                        List.of("user_id", "book_id", "language_code")),
                Arguments.of(
                        "online_retail.csv.gz",
                        541_909,
                        135_080,
                        Task.REGRESSION,
                        "quantity",
                        12.0613,
                        "invoice_time",
                        "2010-12-01T08:26:00Z",
                        "2011-12-09T12:50:00Z",
                        "customer_id",
                        List.of("unit_price"),
                        List.of("country", "stock_code")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("files")
    void decodesEveryRow(
            String name,
            int rows,
            int withoutModel,
            Task task,
            String label,
            double meanLabel,
            String time,
            String first,
            String last,
            String key,
            List<String> numeric,
            List<String> categorical)
            throws Exception {
        String data = System.getProperty("kronstream.data", "");
        assumeThat(data).as("kronstream.data, the directory of the data sets").isNotEmpty();
        CsvFile file = CsvFile.open(Path.of(data, name));
        ExampleDecoder decoder = new ExampleDecoder(
                DataSchema.builder(file.header(), task, label)
                        .numeric(numeric)
                        .categorical(categorical.stream()
                                .map(column -> Category.oneHot(column, 32))
                                .toList())
                        .time(time)
                        .key(key)
                        .build(),
                "m");

        long offset = 0;
        int unkeyed = 0;
        double sum = 0;
        long firstTime = 0;
        long lastTime = 0;
        try (CsvFile.Rows iterator = file.rows()) {
            while (iterator.hasNext()) {
                try {
                    Example example = decoder.decode(new RawRecord("t", 0, offset, 0, null, iterator.next()))
                            .get(0);
                    sum += example.label();
                    firstTime = offset == 0 ? example.timestamp() : firstTime;
                    lastTime = example.timestamp();
                } catch (UndecodableException e) {
                    assertThat(e.reason()).as(e.sentence()).isEqualTo("key");
                    unkeyed++;
                }
                offset++;
            }
        }

        assertThat(offset).isEqualTo(rows);
        assertThat(unkeyed).isEqualTo(withoutModel);
        assertThat(sum / (rows - unkeyed)).isCloseTo(meanLabel, Percentage.withPercentage(0.01));
        if (first != null) {
            assertThat(Instant.ofEpochMilli(firstTime)).isEqualTo(first);
        }
        if (last != null) {
            assertThat(Instant.ofEpochMilli(lastTime)).isEqualTo(last);
        }
    }
}
