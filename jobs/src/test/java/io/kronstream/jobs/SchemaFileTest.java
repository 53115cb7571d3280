// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kronstream.learner.Calendar;
import io.kronstream.learner.Category;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Forecast;
import io.kronstream.learner.Numeric;
import io.kronstream.learner.Task;
import io.kronstream.network.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SchemaFileTest {
    private static final List<String> COLUMNS = List.of("when", "site", "hour", "weather", "load", "price");

    @Test
    void readsEveryKey() {
        DataSchema schema = parse(
                """
                task: binary
                label: price
                numeric: [load]
                categorical: [weather]
                hash_buckets: 7
                periodic: {hour: 24}
                time: when
                key: site
                label_lags: [1, 48]
                metric: accuracy
                """);

        assertThat(schema)
                .isEqualTo(DataSchema.builder(COLUMNS, Task.BINARY, "price")
                        .numeric(List.of("load"))
                        .categorical(List.of(Category.oneHot("weather", 7)))
                        .periodic(Map.of("hour", 24.0))
                        .time("when")
                        .key("site")
                        .labelLags(List.of(1, 48))
                        .metric("accuracy")
                        .build());
    }

    @Test
    void readsAForecast() {
        DataSchema schema = parse("{task: regression, label: load, forecast: {lags: 96, horizon: 24}}");

        assertThat(schema.forecast()).isEqualTo(new Forecast(96, 24));
        assertThat(schema.numeric()).isEmpty();
    }

    @Test
    void readsWhatIsSaidOfNumbersTimesAndSteps() {
        DataSchema schema = parse(
                """
                task: regression
                label: load
                numeric:
                  - hour
                  - {column: price, missing: [0, -9999], fill: carry, indicator: true, transform: log1p, max: 100,
                     lags: [1, 24], windows: [24]}
                time: when
                calendar: [hour, weekday, year_cycle]
                forecast: {lags: 3, horizon: 24, grid: 1h, seasonal: [168], windows: [24, 168]}
                """);

        assertThat(schema.numeric())
                .containsExactly(
                        Numeric.plain("hour"),
                        new Numeric(
                                "price",
                                List.of(0.0, -9999.0),
                                Numeric.Fill.CARRY,
                                0,
                                true,
                                Numeric.Transform.LOG1P,
                                100,
                                List.of(1, 24),
                                List.of(24)));
        assertThat(schema.calendar()).containsExactly(Calendar.HOUR, Calendar.WEEKDAY, Calendar.YEAR_CYCLE);
        assertThat(schema.forecast()).isEqualTo(new Forecast(3, 24, 3_600_000, List.of(168), List.of(24, 168)));
    }

    @Test
    void readsHowManyClassesThereAre() {
        assertThat(parse("{task: classification, label: load, classes: 3, numeric: [price]}")
                        .classes())
                .containsExactly("0", "1", "2");
        assertThat(refused("{task: classification, label: load, classes: 1000000000, numeric: [price]}")
                        .problems())
                .containsExactly("'classes' must not exceed 10000, was 1000000000");
    }

    @Test
    void refusesNumbersTimesAndStepsThatCannotBe() {
        assertThat(refused(
                                """
                                task: regression
                                label: load
                                numeric:
                                  - {column: price, missing: none, fill: median, indicator: 2, transform: sqrt, lags: [0]}
                                calendar: [hour, moon]
                                forecast: {lags: 3, horizon: 24, grid: hourly, seasonal: [12]}
                                """)
                        .problems())
                .containsExactlyInAnyOrder(
                        "'numeric.missing' must be a number, was 'none'",
                        "'numeric.fill' must be 'mean', 'carry' or a number, was 'median'",
                        "'numeric.indicator' must be true or false, was '2'",
                        "'numeric.transform' must be 'none' or 'log1p', was 'sqrt'",
                        "'price.lags' must lie in [1, 100000], was 0",
                        "'calendar' must be a list of day_cycle, week_cycle, year_cycle, hour, weekday, month, was"
                                + " 'moon'",
                        "'forecast.grid' must be a duration of at least 1 ms, such as 15min, 1h or 1d, was 'hourly'",
                        "'forecast.seasonal' must not be less than 'forecast.horizon' (24), was 12: that value is not"
                                + " known yet");
        assertThat(refused("{task: regression, label: load, forecast: {lags: 3, horizon: 24, grid: 1h}}")
                        .problems())
                .containsExactly("'forecast.grid' needs 'time', the column with the records' own time");
    }

    @Test
    void readsBackWhatItWrites() {
        for (String text : List.of(
                "{task: regression, label: load, forecast: {lags: 2, horizon: 3}, time: when, metric: mae}",
                "{task: classification, label: load, classes: [low, high, 7], numeric: [price], metric: accuracy}",
                "{task: regression, label: load, forecast: {lags: 2, horizon: 3, grid: 90s, seasonal: [7, 9],"
                        + " windows: [4]}, time: when, calendar: [month]}",
                "{task: regression, label: load, time: when, calendar: [], numeric: [hour, {column: price, fill: 2.5,"
                        + " missing: [1], indicator: true, transform: log1p, max: 9, lags: [2], windows: [3]}]}",
                "{task: binary, label: price, numeric: [load], categorical: [weather], hash_buckets: 5,"
                        + " periodic: {hour: 24.5}, key: site, label_lags: [3]}",
                "{task: regression, label: load, categorical: [{column: site, buckets: 100, embedding: 4, numbered: true},"
                        + " {column: weather, buckets: 9, embedding: 4, separator: '|', pooling: mean}, hour],"
                        + " products: [[site, weather]]}")) {
            DataSchema schema = parse(text);

            assertThat(SchemaFile.parse("again", SchemaFile.write(schema), COLUMNS))
                    .isEqualTo(schema);
        }
    }

    @Test
    void listsAllProblemsAtOnce() {
        InvalidSettingsException e = refused(
                """
                task: clustering
                lable: price
                numeric: [load, humidity]
                categorical: weather
                periodic: {hour: daily}
                forecast: {lags: many, horizon: 24, hroizon: 3}
                label_lags: [a]
                """);

        assertThat(e.problems())
                .anySatisfy(problem -> assertThat(problem)
                        .contains("unknown key 'lable'")
                        .contains("the known ones are task, label, weight, classes, numeric"))
                .contains("'task' must be 'regression', 'binary' or 'classification', was 'clustering'")
                .contains("'label' is missing: it names the column to predict")
                .contains("'numeric' names the unknown column 'humidity'; the columns are when, site, hour, weather,"
                        + " load, price")
                .contains("'categorical' must be a list, such as [a, b]")
                .contains("the period of 'hour' must be a number, was 'daily'")
                .contains("'forecast.lags' must be a whole number, was 'many'")
                .contains("unknown key 'forecast.hroizon'; the known ones are lags, horizon, grid, seasonal, windows")
                .contains("'label_lags' must be a whole number, was 'a'");
        assertThat(e.problems()).noneMatch(problem -> problem.startsWith("'task' is missing"));
        assertThat(e).hasMessageStartingWith("test.yaml: ");
    }

    @Test
    void refusesAMetricOfAnotherTask() {
        assertThat(refused("{task: regression, label: load, numeric: [price], metric: accuracy}")
                        .problems())
                .containsExactly(
                        "'metric' must be one of rmse, mae, relativeRmse for a regression task, was 'accuracy'");
    }

    @Test
    void refusesWhatIsNoMapping() {
        assertThat(refused("[a, b]").problems()).containsExactly("must be a YAML mapping of names to values");
        assertThat(refused("task: [").problems()).singleElement().asString().startsWith("is not valid YAML (line ");
        assertThat(refused("task: binary\ntask: regression").problems())
                .singleElement()
                .asString()
                .contains("task");
    }

    @Test
    void refusesALongFile(@TempDir Path dir) throws IOException {
        Path file = Files.writeString(dir.resolve("x.yaml"), "#".repeat(YamlFile.MAX_BYTES + 1));

        InvalidSettingsException e =
                catchThrowableOfType(InvalidSettingsException.class, () -> SchemaFile.read(file, COLUMNS));

        assertThat(e.problems()).containsExactly("is longer than 1048576 bytes");
    }

    @Test
    void looksBesideTheDataAndThenAmongTheReadyOnes(@TempDir Path dir) throws IOException {
        Path data = dir.resolve("elec2.csv.gz");
        List<String> columns =
                List.of("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer", "price_up", "extra");

        assertThat(SchemaFile.of(data, null, columns).labelLags()).containsExactly(1, 48);

        Files.writeString(dir.resolve("elec2.yaml"), "{task: binary, label: price_up, numeric: [extra]}");
        assertThat(SchemaFile.of(data, null, columns).numeric())
                .extracting(Numeric::column)
                .containsExactly("extra");

        Files.writeString(dir.resolve("elec2.schema.yaml"), "{task: binary, label: price_up, numeric: [period]}");
        assertThat(SchemaFile.of(data, null, columns).numeric())
                .extracting(Numeric::column)
                .containsExactly("period");

        Path named = Files.writeString(dir.resolve("n.yaml"), "{task: binary, label: price_up, numeric: [transfer]}");
        assertThat(SchemaFile.of(data, named, columns).numeric())
                .extracting(Numeric::column)
                .containsExactly("transfer");
    }

    @Test
    void saysHowToGiveASchema(@TempDir Path dir) {
        InvalidSettingsException e = catchThrowableOfType(
                InvalidSettingsException.class, () -> SchemaFile.of(dir.resolve("mine.csv"), null, COLUMNS));

        assertThat(e.problems())
                .containsExactly("needs a schema: name one with --schema, or put mine.schema.yaml beside it");
    }

    @Test
    void readySchemasFitTheirFiles() {
        DataSchema etth1 = SchemaFile.of(
                Path.of("ETTh1.csv"), null, List.of("date", "HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"));
        assertThat(etth1.label()).isEqualTo("OT");
        assertThat(etth1.forecast()).isEqualTo(new Forecast(96, 24));
        assertThat(etth1.time()).isEqualTo("date");

        DataSchema elec2 = SchemaFile.of(
                Path.of("elec2.csv"),
                null,
                List.of("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer", "price_up"));
        assertThat(elec2.periodic()).containsExactly(Map.entry("period", 1.0));
        assertThat(elec2.numeric())
                .extracting(Numeric::column)
                .containsExactly("nswprice", "nswdemand", "vicprice", "vicdemand", "transfer");

        DataSchema metro = SchemaFile.of(
                Path.of("metro_traffic.csv.gz"),
                null,
                List.of(
                        "date_time",
                        "holiday",
                        "temp_kelvin",
                        "rain_1h_mm",
                        "snow_1h_mm",
                        "clouds_all_pct",
                        "weather_main",
                        "weather_description",
                        "traffic_volume"));
        assertThat(metro.label()).isEqualTo("traffic_volume");
        assertThat(metro.time()).isEqualTo("date_time");
        assertThat(metro.forecast().grid()).isEqualTo(3_600_000);

        DataSchema goodbooks = SchemaFile.of(
                Path.of("goodbooks_ratings.csv.gz"),
                null,
                List.of("user_id", "book_id", "rating", "publication_year", "language_code"));
        assertThat(goodbooks.embedded())
                .containsExactly(
                        new Category("user_id", 65_536, 16, null, Pooling.SUM, true),
                        new Category("book_id", 16_384, 16, null, Pooling.SUM, true));
        assertThat(goodbooks.products()).containsExactly(List.of("user_id", "book_id"));
    }

    private static DataSchema parse(String text) {
        return SchemaFile.parse("test.yaml", YamlFile.parse("test.yaml", text), COLUMNS);
    }

    private static InvalidSettingsException refused(String text) {
        return catchThrowableOfType(InvalidSettingsException.class, () -> parse(text));
    }
}
