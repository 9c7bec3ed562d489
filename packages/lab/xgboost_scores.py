"""Scores the test campaigns of a data set with XGBoost, as a file for `metaheac evaluate --beside`.

    python3 packages/lab/xgboost_scores.py --data DATA --out xgboost.csv

One model per campaign tells the seeds from all other users. Its inputs are the tokens (rare ones left out), 32 SVD
factors of the tokens, the numbers of tokens per feature, and the numeric features; the past campaigns of a user are
tokens too. Depth, rounds and inputs are chosen on held-out train campaigns. Needs numpy, scipy and xgboost.
"""

import argparse
import csv
import gzip
import json
from itertools import product
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import xgboost as xgb
from scipy.sparse.linalg import svds
from scipy.stats import rankdata

HELD_OUT = 20
GRID = {'inputs': ['tokens', 'factors', 'both'], 'depth': [2, 4], 'rounds': [15, 50, 150]}


def lines(folder, name):
    plain = folder / name
    return plain.open() if plain.exists() else gzip.open(folder / f'{name}.gz', 'rt')


def number(value):
    try:
        return np.nan if value is None else float(value)
    except ValueError:  # a date
        return np.datetime64(value, 'D').astype(float)


def inputs(users, features, history, kind):
    """The rows of all users; `history` has the members of each past campaign."""
    numeric = [f['name'] for f in features if f['kind'] == 'number']
    named = [f['name'] for f in features if f['kind'] in ('single', 'multi')]
    rows, columns, codes, counts = [], [], {}, []
    past = [[] for _ in users]
    for campaign, members in history.items():
        for user in members:
            past[user].append(campaign)
    for row, user in enumerate(users):
        lists = [np.atleast_1d(user.get(name) if user.get(name) is not None else []).tolist() for name in named]
        lists.append(past[row])
        counts.append([len(tokens) for tokens in lists])
        for feature, tokens in enumerate(lists):
            for token in tokens:
                rows.append(row)
                columns.append(codes.setdefault((feature, token), len(codes)))
    tokens = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(users), len(codes)))
    tokens.data[:] = 1
    frequency = np.asarray(tokens.sum(axis=0)).ravel()
    dense = np.array([[number(user.get(name)) for name in numeric] for user in users]).reshape(len(users), -1)
    parts = [dense, np.array(counts)]
    if kind != 'tokens':
        weighted = tokens @ sp.diags(np.sqrt(np.maximum(0, np.log(len(users) / (frequency + 1)))))
        left, sizes, _ = svds(weighted, k=32, random_state=0)
        parts.append(left * sizes)
    parts = [sp.csr_matrix(np.hstack(parts).astype(np.float32))]
    if kind != 'factors':
        parts.append(tokens[:, frequency >= 10])
    return sp.hstack(parts, format='csr')


def score(rows, seeds, depth, rounds):
    label = np.zeros(rows.shape[0])
    label[seeds] = 1
    options = {
        'objective': 'binary:logistic',
        'max_depth': depth,
        'eta': 0.1,
        'subsample': 0.8,
        'colsample_bytree': 0.5,
        'scale_pos_weight': 10,
        'nthread': 1,
        'seed': 0,
    }
    matrix = xgb.DMatrix(rows, label)
    return xgb.train(options, matrix, num_boost_round=rounds).predict(matrix, output_margin=True)


def auc(scores, members, others):
    ranks = rankdata(np.concatenate([scores[members], scores[others]]))
    return (ranks[: len(members)].mean() - (len(members) + 1) / 2) / len(others)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    args = parser.parse_args()
    features = json.loads((args.data / 'dataset.json').read_text())['user_features']
    with lines(args.data, 'users.ndjson') as file:
        users = [json.loads(line) for line in file]
    index = {user['user_id']: row for row, user in enumerate(users)}
    members, seeds, asked = {}, {}, {}
    with lines(args.data, 'interactions.csv') as file:
        for row in csv.DictReader(file):
            campaign, user, stage = row['campaign_id'], index[row['user_id']], row['stage']
            if stage == 'train' and row['label'] == '1':
                members.setdefault(campaign, []).append(user)
            elif stage != 'train':
                (seeds if stage == 'seed' else asked).setdefault(campaign, []).append(user)

    # the train campaigns on which the settings are chosen are not past campaigns of the users then
    rng = np.random.default_rng(0)
    held_out = rng.choice(sorted(members), min(HELD_OUT, len(members) // 3), replace=False)
    history = {campaign: users_ for campaign, users_ in members.items() if campaign not in held_out}
    sizes = sorted(len(users_) for users_ in seeds.values())
    results = {}
    for kind in GRID['inputs']:
        rows = inputs(users, features, history, kind)
        for depth, rounds in product(GRID['depth'], GRID['rounds']):
            found = []
            for i, campaign in enumerate(held_out):
                own = np.random.default_rng(i).permutation(members[campaign])
                count = min(sizes[i % len(sizes)], len(own) // 2)
                others = np.setdiff1d(np.arange(len(users)), own)
                found.append(auc(score(rows, own[:count], depth, rounds), own[count:], others))
            results[kind, depth, rounds] = np.mean(found)
            print(f'{kind}, depth {depth}, {rounds} rounds: AUC {results[kind, depth, rounds]:.4f}', flush=True)
    kind, depth, rounds = max(results, key=results.get)
    print(f'chosen: {kind}, depth {depth}, {rounds} rounds')
    rows = inputs(users, features, members, kind)
    with args.out.open('w') as file:
        file.write('campaign_id,user_id,score\n')
        for campaign in seeds:
            scores = score(rows, seeds[campaign], depth, rounds)
            file.writelines(f'{campaign},{users[user]["user_id"]},{scores[user]:.6f}\n' for user in asked[campaign])


main()
